//! A request's road through a REST API.

mod authorize;
mod calls;
mod decoded;
mod rules;

pub(crate) use rules::Rules;

use crate::desk::{Answered, Desk};
use crate::http1::{Received, Reply};
use crate::stamps::stamp;
use flate2::Compression as Level;
use flate2::write::{GzEncoder, ZlibEncoder};
use rules::{Rule, ServedStage};
use std::io::Write as _;
use std::sync::OnceLock;
use tether_apigw::http::{Answer, Request, Stamp};
use tether_apigw::rest::{
    Compression, Exchange, Fault, FaultKind, GatewayResponses, Identity, NO_USAGE_KEY, compression,
    finish, limits, take_stage, validation,
};
use tether_sam::api::ApiKeySource;

/// Answers a request.
pub(crate) async fn answer(desk: &Desk, rules: &Rules, received: &Received) -> Answered {
    let request = &received.request;
    let stamp = stamp(desk.now(), true);
    if let Err(fault) = check(received) {
        return outside(desk, &fault, &stamp);
    }
    let names = rules.stages.iter().map(|it| it.stage.name.as_str());
    let found = take_stage(&request.path, names);
    let stage = found.and_then(|(name, path)| Some((rules.stage(name)?, path)));
    let Some((served, path)) = stage else {
        let all: Vec<&str> = rules
            .stages
            .iter()
            .map(|it| it.stage.name.as_str())
            .collect();
        let reason = format!(
            "{} {}: no stage has this name: begin the path with /{}",
            request.method,
            request.path,
            all.join(" or /")
        );
        return outside(desk, &Fault::new(FaultKind::NoStage, reason), &stamp);
    };
    let decoded = OnceLock::new();
    let exchange = Exchange {
        request,
        at: &desk.at,
        stamp: &stamp,
        stage: &served.stage,
        path,
        matched: None,
        authorizer: None,
        identity: Identity::default(),
        key: None,
    };
    let mut trip = Trip {
        desk,
        rules,
        served,
        exchange,
        rule: None,
        function: None,
        usage_key: None,
        decoded: &decoded,
    };
    let reply = match trip.go().await {
        Ok(reply) => reply,
        Err(fault) => trip.refuse(&fault),
    };
    Answered {
        reply: trip.last(reply),
        route: trip.rule.map(|it| it.label.clone()),
        function: trip.function,
    }
}

/// Whether it is short enough. The server has not read what is far too long.
fn check(received: &Received) -> Result<(), Fault> {
    if received.too_large {
        let reason = format!(
            "the request's body has more than the {} bytes that are allowed: send it in parts, or to S3",
            limits::PAYLOAD_BYTES
        );
        return Err(Fault::new(FaultKind::BodyTooLarge, reason));
    }
    limits::check(&received.request)
}

fn outside(desk: &Desk, fault: &Fault, stamp: &Stamp) -> Answered {
    desk.say(None, fault);
    Answered::early(GatewayResponses::outside(fault, stamp))
}

/// One request, and what was found out about it.
struct Trip<'a> {
    desk: &'a Desk,
    rules: &'a Rules,
    served: &'a ServedStage,
    exchange: Exchange<'a>,
    rule: Option<&'a Rule>,
    function: Option<String>,
    /// The API key that the authorizer gave.
    usage_key: Option<String>,
    /// The request with its body as it was before it was compressed.
    decoded: &'a OnceLock<Request>,
}

impl<'a> Trip<'a> {
    async fn go(&mut self) -> Result<Reply, Fault> {
        let request = self.exchange.request;
        let path = self.exchange.path.inner;
        let Some(matched) = self.rules.routes.find(&request.method, path) else {
            let reason = format!(
                "{} {path}: no method of the API takes this: add it to the template, or correct method and path",
                request.method
            );
            return Err(Fault::new(FaultKind::MissingAuthenticationToken, reason));
        };
        let index = matched.index;
        let Some(rule) = self.rules.rules.get(index) else {
            let reason = "a route has no rule: this is a bug of tether, tell us";
            return Err(Fault::new(FaultKind::InternalServerError, reason));
        };
        self.rule = Some(rule);
        self.exchange.matched = Some(matched);
        self.authorize(rule).await?;
        self.admit(rule, index)?;
        self.decode()?;
        if let Some(validator) = &rule.validator {
            validation::check(validator, &self.rules.models, &self.exchange)?;
        }
        self.integrate(rule).await
    }

    /// Holds the API key against the usage plans, and the stage's limits against the time.
    fn admit(&mut self, rule: &Rule, index: usize) -> Result<(), Fault> {
        let now = self.desk.now();
        let unasked = self.desk.settings.disable_authorizer;
        // Nobody is asked who would know it.
        let unknown = unasked && matches!(self.rules.key_source, ApiKeySource::Authorizer);
        if rule.api_key_required && !unknown {
            let key = match self.rules.key_source {
                ApiKeySource::Header => self.exchange.request.header("x-api-key"),
                ApiKeySource::Authorizer => {
                    let given = self.usage_key.as_deref().filter(|it| !it.is_empty());
                    let lacks = || Fault::new(FaultKind::InvalidApiKey, NO_USAGE_KEY);
                    Some(given.ok_or_else(lacks)?)
                }
            };
            let stage = &self.served.stage.name;
            let method = Some(rule.label.as_str());
            let admitted = self.rules.meter.admit(stage, method, key, now)?;
            self.exchange.key = Some(admitted);
        }
        match self.served.limiters.get(index) {
            Some(Some(limiter)) if !limiter.take(now) => {
                Err(Fault::new(FaultKind::Throttled, limiter.complaint()))
            }
            _ => Ok(()),
        }
    }

    fn refuse(&self, fault: &Fault) -> Reply {
        let route = self.rule.map(|it| it.label.as_str());
        self.desk.say(route, fault);
        Reply::Whole(self.rules.responses.answer(fault, &self.exchange))
    }

    /// What all answers have.
    fn last(&self, reply: Reply) -> Reply {
        match reply {
            Reply::Whole(mut answer) => {
                self.compress(&mut answer);
                finish(&mut answer, self.exchange.stamp);
                Reply::Whole(answer)
            }
            Reply::Streamed(mut head, chunks) => {
                finish(&mut head, self.exchange.stamp);
                Reply::Streamed(head, chunks)
            }
            other => other,
        }
    }

    fn compress(&self, answer: &mut Answer) {
        let minimum = self.rules.minimum_compression;
        let Some(wanted) = compression(&self.exchange, answer, minimum) else {
            return;
        };
        let (name, packed) = match wanted {
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
                let written = encoder.write_all(&answer.body);
                ("gzip", written.and_then(|()| encoder.finish()))
            }
            Compression::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Level::fast());
                let written = encoder.write_all(&answer.body);
                ("deflate", written.and_then(|()| encoder.finish()))
            }
        };
        // Writing to memory does not fail; if it did, the body would go out as it is.
        if let Ok(packed) = packed {
            answer.body = packed.into();
            let header = ("Content-Encoding".to_owned(), name.to_owned());
            answer.headers.push(header);
        }
    }
}
