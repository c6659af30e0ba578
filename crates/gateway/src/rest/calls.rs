//! What answers a REST API's method.

use super::Trip;
use super::rules::{Rule, Target};
use crate::desk::{Called, TimedOut, payload, with_variables};
use crate::functions::{Call, Outcome, Streamed};
use crate::http1::Reply;
use crate::streams::{self, Beginning, Rest};
use crate::upstream::{Incoming, Outgoing, UpstreamError};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tether_apigw::InvokeResult;
use tether_apigw::http::Answer;
use tether_apigw::rest::integration::{self, Came, Integration};
use tether_apigw::rest::{Fault, FaultKind, limits, proxy_answer, proxy_event, stream_head};
use tokio::time::Instant;

impl<'a> Trip<'a> {
    pub(super) async fn integrate(&mut self, rule: &'a Rule) -> Result<Reply, Fault> {
        match &rule.target {
            Target::Function {
                function,
                streams,
                timeout,
            } => {
                let within = self.within(*timeout);
                let payload = payload(&proxy_event(&self.exchange, &self.rules.media));
                limits::check_event(&payload)?;
                let call = self.call(rule, function, payload, *streams);
                if *streams {
                    self.stream(rule, call, within).await
                } else {
                    self.proxy(call, within).await.map(Reply::Whole)
                }
            }
            Target::Mapped {
                integration,
                function,
                timeout,
            } => {
                let within = self.within(*timeout);
                let function = function.as_deref().unwrap_or_default();
                let answer = self.mapped(rule, integration, function, within).await;
                answer.map(Reply::Whole)
            }
            Target::Nothing(why) => Err(Fault::new(FaultKind::InternalServerError, why.clone())),
        }
    }

    fn within(&self, own: Option<Duration>) -> Duration {
        self.desk.patience(own, limits::INTEGRATION_TIMEOUT)
    }

    fn call(&mut self, rule: &Rule, function: &str, payload: Bytes, streams: bool) -> Call {
        let stage = &self.served.stage;
        let function = with_variables(function, &stage.variables);
        self.function = Some(function.clone());
        let method = &self.exchange.request.method;
        Call {
            function,
            source_arn: self
                .desk
                .arn(&format!("{}/{method}{}", stage.name, rule.path)),
            payload,
            streams,
        }
    }

    async fn proxy(&self, call: Call, within: Duration) -> Result<Answer, Fault> {
        let called = self.desk.call(call, within).await.map_err(late)?;
        self.proxied(&called)
    }

    fn proxied(&self, called: &Called) -> Result<Answer, Fault> {
        let answer = proxy_answer(&self.exchange, &called.borrowed(), &self.rules.media);
        answer.map_err(|fault| because(fault, called))
    }

    async fn stream(&self, rule: &Rule, call: Call, within: Duration) -> Result<Reply, Fault> {
        let until = Instant::now() + within;
        let outcome = self.desk.invoke(call, within).await.map_err(late)?;
        let mut streamed = match outcome {
            Outcome::Stream(streamed) => streamed,
            Outcome::Answer(bytes) => return self.begun(streams::whole(&bytes)).map(Reply::Whole),
            Outcome::Error(error) => return self.proxied(&Called::Error(error)).map(Reply::Whole),
            Outcome::Failed(why) => return self.proxied(&Called::Failed(why)).map(Reply::Whole),
        };
        let beginning = tokio::time::timeout_at(until, streams::begin(&mut streamed, true)).await;
        let head = self.begun(beginning.map_err(|_| late(TimedOut(within)))?)?;
        Ok(Reply::Streamed(head, self.rest(rule, streamed, until)))
    }

    fn rest(&self, rule: &Rule, streamed: Streamed, until: Instant) -> Box<Rest> {
        let whose = format!("{} {}", self.desk.logical_id, rule.label);
        let sink = Arc::clone(&self.desk.settings.sink);
        Box::new(Rest::new(streamed, Some(until), sink, whose))
    }

    fn begun(&self, beginning: Beginning) -> Result<Answer, Fault> {
        match beginning {
            Beginning::Head(own) => {
                let mut head = stream_head(&self.exchange, own.status, &own.headers, &[]);
                head.body = own.body;
                Ok(head)
            }
            Beginning::Error(error) => self.proxied(&Called::Error(error)),
            Beginning::Malformed(why) => Err(Fault::new(FaultKind::BadGateway, why)),
            Beginning::Body { .. } => {
                let why = "the streamed answer has no HTTP metadata";
                Err(Fault::new(FaultKind::BadGateway, why))
            }
        }
    }

    async fn mapped(
        &mut self,
        rule: &Rule,
        integration: &Integration,
        function: &str,
        within: Duration,
    ) -> Result<Answer, Fault> {
        let media = &self.rules.media;
        let prepared = integration::prepare(integration, &self.exchange, media)?;
        let answer = |trip: &Self, came: Came<'_>| {
            integration::answer(
                integration,
                &trip.exchange,
                &prepared.overrides,
                came,
                media,
            )
        };
        match prepared.call {
            integration::Call::Mock { status } => answer(self, Came::Mock { status }),
            integration::Call::Lambda {
                ref payload,
                asynchronous,
            } => {
                let call = self.call(rule, function, payload.clone(), false);
                if asynchronous {
                    self.desk.send(call);
                    return answer(self, Came::Lambda(InvokeResult::Answer(b"")));
                }
                let called = self.desk.call(call, within).await.map_err(late)?;
                let answered = answer(self, Came::Lambda(called.borrowed()));
                answered.map_err(|fault| because(fault, &called))
            }
            integration::Call::Http {
                ref method,
                ref url,
                ref headers,
                ref body,
            } => {
                let outgoing = Outgoing {
                    method: method.clone(),
                    url: url.clone(),
                    headers: self.of_decoded(headers),
                    body: body.clone(),
                };
                let came = self.desk.upstream.call(outgoing, within).await;
                let came = came.map_err(|error| upstream(&error))?;
                answer(self, http(&came))
            }
        }
    }
}

fn http(came: &Incoming) -> Came<'_> {
    Came::Http {
        status: came.status,
        headers: &came.headers,
        body: &came.body,
    }
}

fn late(late: TimedOut) -> Fault {
    Fault::new(FaultKind::IntegrationTimeout, late.to_string())
}

/// The reason that is known better here than in the rules.
fn because(mut fault: Fault, called: &Called) -> Fault {
    fault.reason = called.reason(&fault.reason).to_owned();
    fault
}

fn upstream(error: &UpstreamError) -> Fault {
    let kind = match error {
        UpstreamError::TimedOut { .. } => FaultKind::IntegrationTimeout,
        // AWS calls it a configuration error `[inf]`.
        UpstreamError::Url(..)
        | UpstreamError::Untrusted { .. }
        | UpstreamError::Authorities(_)
        | UpstreamError::Client(_) => FaultKind::InternalServerError,
        UpstreamError::Unreachable { .. } | UpstreamError::TooLarge(_) => {
            FaultKind::IntegrationFailure
        }
    };
    Fault::new(kind, error.to_string())
}
