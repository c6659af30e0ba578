//! A request, and an exchange that it begins.

use super::{Exchange, Fault, GatewayResponses, Identity, Stage, take_stage};
use crate::http::{Answer, Request, Stamp, Whereabouts};
use bytes::Bytes;

pub(crate) fn request(method: &str, target: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
        source_ip: "192.0.2.7".to_owned(),
        port: 443,
        scheme: "https".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
    }
}

pub(crate) fn with(mut request: Request, headers: &[(&str, &str)], body: &str) -> Request {
    let header = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    request.headers = headers.iter().map(header).collect();
    request.body = Bytes::from(body.to_owned());
    request
}

/// What an exchange borrows.
pub(crate) struct Scene {
    pub(crate) request: Request,
    pub(crate) at: Whereabouts,
    pub(crate) stamp: Stamp,
    pub(crate) stage: Stage,
}

impl Scene {
    pub(crate) fn new(request: Request) -> Self {
        Self {
            request,
            at: Whereabouts {
                api_id: "a1b2c3d4e5".to_owned(),
                partition: "aws".to_owned(),
                region: "eu-west-1".to_owned(),
                account_id: "123456789012".to_owned(),
                domain_name: "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com".to_owned(),
            },
            stamp: Stamp {
                request_id: "77375676-4b79-853a-f982-474efe180000".to_owned(),
                extended_request_id: "JKJaXmPLvHcESHA=".to_owned(),
                trace_id: "Root=1-67659810-101d2f353e7cd9797a9aa4ba".to_owned(),
                now_ms: 1_705_751_708_326,
            },
            stage: Stage {
                name: "dev".to_owned(),
                variables: [("colour".to_owned(), "blue".to_owned())].into(),
                deployment_id: "k2ua1z".to_owned(),
            },
        }
    }

    /// Without a method.
    pub(crate) fn exchange(&self) -> Exchange<'_> {
        let (_, path) = take_stage(&self.request.path, ["dev"]).unwrap();
        Exchange {
            request: &self.request,
            at: &self.at,
            stamp: &self.stamp,
            stage: &self.stage,
            path,
            matched: None,
            authorizer: None,
            identity: Identity::default(),
            key: None,
        }
    }
}

/// What a fault is answered by where no gateway response changes it.
pub(crate) fn answered(fault: &Fault) -> Answer {
    let scene = Scene::new(request("GET", "/dev/pets"));
    GatewayResponses::default().answer(fault, &scene.exchange())
}
