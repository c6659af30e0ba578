//! A request's road through an HTTP API.

mod authorize;
mod calls;
mod rules;

pub(crate) use rules::{Rules, cors};

use crate::desk::{Answered, Desk};
use crate::http1::{Received, Reply};
use crate::stamps::stamp;
use rules::{Rule, ServedStage};
use std::fmt::Display;
use tether_apigw::caller::Caller;
use tether_apigw::cors::{self as browsers, Side};
use tether_apigw::http::{Answer, Request, Stamp};
use tether_apigw::http_api::{Exchange, Match, finish, not_found, too_large, too_many_requests};
use tether_apigw::rest::{FaultKind, limits};

/// Answers a request.
pub(crate) async fn answer(desk: &Desk, rules: &Rules, received: &Received) -> Answered {
    let request = &received.request;
    let stamp = stamp(desk.now(), false);
    let mut trip = Trip {
        desk,
        rules,
        request,
        stamp: &stamp,
        rule: None,
        function: None,
    };
    let answered = trip.go(received.too_large).await;
    let mut answer = answered.unwrap_or_else(|refused| refused);
    // To a preflight all is said already.
    if let Some(own) = rules
        .cors
        .as_ref()
        .filter(|_| !browsers::is_preflight(request))
    {
        browsers::apply(own, Side::HttpApi, request, &mut answer);
    }
    finish(&mut answer, &stamp);
    Answered {
        reply: Reply::Whole(answer),
        route: trip.rule.map(|it| it.label.clone()),
        function: trip.function,
    }
}

/// One request, and what was found out about it.
struct Trip<'a> {
    desk: &'a Desk,
    rules: &'a Rules,
    request: &'a Request,
    stamp: &'a Stamp,
    rule: Option<&'a Rule>,
    function: Option<String>,
}

/// The gateway's own answer, whose reason was told.
type Refused = Answer;

impl<'a> Trip<'a> {
    /// Either side is an answer: an integration's, or the gateway's own.
    async fn go(&mut self, is_too_large: bool) -> Result<Answer, Refused> {
        let request = self.request;
        self.check(is_too_large)?;
        let named = self.rules.stages.find(&request.path);
        let found = named
            .as_ref()
            .and_then(|it| Some((it, self.rules.served.get(it.index)?)));
        let Some((found, served)) = found else {
            return Err(self.preflight_or(|trip| trip.no_stage()));
        };
        let Some(matched) = self.rules.routes.select(&request.method, &found.path) else {
            return Err(self.preflight_or(|trip| trip.no_route(&found.path)));
        };
        let Some(rule) = self.rules.rules.get(matched.index) else {
            return Err(not_found());
        };
        self.rule = Some(rule);
        let caller = self.authorize(rule, served, &matched).await?;
        if let Some(answer) = self.preflight() {
            return Ok(answer);
        }
        self.admit(served, matched.index)?;
        let exchange = self.exchange(rule, served, &matched, caller.as_ref());
        let function = &mut self.function;
        let reached = calls::integrate(self.desk, rule, &exchange, function).await;
        let mut answer = reached.map_err(|failed| {
            self.say(&failed.reason);
            failed.answer
        })?;
        rule.response_mappings(answer.status)
            .inspect(|it| it.apply(&mut answer, &exchange));
        Ok(answer)
    }

    fn exchange<'e>(
        &self,
        rule: &'e Rule,
        served: &'e ServedStage,
        matched: &'e Match,
        caller: Option<&'e Caller>,
    ) -> Exchange<'e>
    where
        'a: 'e,
    {
        Exchange {
            request: self.request,
            whereabouts: &self.desk.at,
            stamp: self.stamp,
            stage: &served.name,
            stage_variables: &served.variables,
            route: &rule.key,
            path_parameters: &matched.path_parameters,
            caller,
        }
    }

    fn check(&self, is_too_large: bool) -> Result<(), Refused> {
        if is_too_large {
            self.say(&"the request's body has more than 10 MB, which are allowed: send it in parts, or to S3");
            return Err(too_large());
        }
        limits::check(self.request).map_err(|fault| {
            self.say(&fault);
            match fault.kind {
                // `[inf]`
                FaultKind::HeadersTooLarge => {
                    Answer::message(431, "Request Header Fields Too Large")
                }
                _ => too_large(),
            }
        })
    }

    fn preflight(&self) -> Option<Answer> {
        let own = self.rules.cors.as_ref()?;
        browsers::preflight(own, Side::HttpApi, self.request)
    }

    fn preflight_or(&self, refused: impl FnOnce(&Self) -> Answer) -> Answer {
        self.preflight().unwrap_or_else(|| refused(self))
    }

    fn no_stage(&self) -> Refused {
        let names: Vec<&str> = self
            .rules
            .served
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        self.say(&format_args!(
            "{} {}: no stage has this name: begin the path with /{}",
            self.request.method,
            self.request.path,
            names.join(" or /")
        ));
        not_found()
    }

    fn no_route(&self, path: &str) -> Refused {
        self.say(&format_args!(
            "{} {path}: no route takes this: add it to the template, or correct method and path",
            self.request.method
        ));
        not_found()
    }

    fn admit(&self, served: &ServedStage, index: usize) -> Result<(), Refused> {
        match served.limiters.get(index) {
            Some(Some(limiter)) if !limiter.take(self.desk.now()) => {
                self.say(&limiter.complaint());
                Err(too_many_requests())
            }
            _ => Ok(()),
        }
    }

    fn say(&self, what: &dyn Display) {
        self.desk.say(self.rule.map(|it| it.label.as_str()), what);
    }
}
