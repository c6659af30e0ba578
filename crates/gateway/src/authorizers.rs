//! Authorizers: asking functions, and remembering what they said.

use crate::desk::{Called, Desk};
use crate::functions::Call;
use indexmap::IndexMap;
use serde_json::Value;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tether_apigw::InvokeResult;
use tether_apigw::authorizer::{
    Answers, Cache, CacheKey, HTTP_TTL, Opinion, REST_TTL, Refused, Source, Validation,
};
use tether_apigw::caller::Caller;
use tether_sam::api::{Api, ApiAuthorizer, ApiKind, AuthorizerKind};

/// So many decisions are remembered of each authorizer.
const MOST: usize = 10_000;

/// An API's authorizers, by the names that routes use.
pub(crate) struct Authorizers(IndexMap<String, Authorizer>);

/// One of them.
pub(crate) struct Authorizer {
    pub(crate) own: ApiAuthorizer,
    pub(crate) sources: Vec<Source>,
    pub(crate) validation: Option<Validation>,
    ttl: Duration,
    cache: Arc<Mutex<Cache>>,
}

/// Who is let in by a function.
pub(crate) struct LetIn {
    pub(crate) caller: Caller,
    /// The API key that goes with it.
    pub(crate) usage_key: Option<String>,
}

/// What a function is asked.
pub(crate) struct Question<'a> {
    /// Which method.
    pub(crate) arn: &'a str,
    /// What the request carries where the authorizer looks.
    pub(crate) identity: &'a [String],
    /// In which shape it may answer.
    pub(crate) answers: Answers,
    /// How long it may take.
    pub(crate) within: Duration,
    /// Whether the API's own policy lets in whom the function does not allow, and does not deny.
    pub(crate) allowed: bool,
}

impl Authorizers {
    /// What was decided before is remembered by authorizers that are still the same.
    ///
    /// # Errors
    /// What of them cannot be understood.
    pub(crate) fn new(api: &Api, before: Option<&Self>) -> Result<Self, String> {
        let all = api.authorizers.iter().map(|(name, own)| {
            let before = before.and_then(|it| it.0.get(name));
            let cache = before
                .filter(|it| it.own == *own)
                .map(|it| Arc::clone(&it.cache));
            let authorizer = authorizer(api.kind, own, cache);
            let named = |why| format!("authorizer {name}: {why}");
            Ok((name.clone(), authorizer.map_err(named)?))
        });
        let all: Result<_, String> = all.collect();
        Ok(Self(all?))
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Authorizer> {
        self.0.get(name)
    }
}

fn authorizer(
    kind: ApiKind,
    own: &ApiAuthorizer,
    cache: Option<Arc<Mutex<Cache>>>,
) -> Result<Authorizer, String> {
    let said = |error: &dyn Display| error.to_string();
    let sources = own.identity_sources.iter().map(|it| Source::parse(it));
    let sources: Result<Vec<Source>, _> = sources.collect();
    let mut sources = sources.map_err(|error| said(&error))?;
    let validation = match &own.kind {
        AuthorizerKind::Token { validation, .. } => validation.as_deref(),
        _ => None,
    };
    let validation = validation
        .filter(|it| !it.is_empty())
        .map(Validation::parse);
    let is_request = matches!(own.kind, AuthorizerKind::Request { .. });
    if sources.is_empty() && !is_request {
        sources.push(Source::Header("Authorization".to_owned()));
    }
    let default = match kind {
        ApiKind::Rest => REST_TTL,
        ApiKind::Http | ApiKind::FunctionUrl => HTTP_TTL,
    };
    Ok(Authorizer {
        own: own.clone(),
        sources,
        validation: validation.transpose().map_err(|error| said(&error))?,
        ttl: own.ttl.unwrap_or(default),
        cache: cache.unwrap_or_else(|| Arc::new(Mutex::new(Cache::new(MOST)))),
    })
}

impl Authorizer {
    /// Asks what is remembered, or else the function, about a method. Two that ask at once ask
    /// twice, as on AWS.
    pub(crate) async fn ask(
        &self,
        desk: &Desk,
        function: String,
        question: &Question<'_>,
        event: impl FnOnce() -> Value,
    ) -> Result<LetIn, Refused> {
        let key = CacheKey::new(&self.own.id, question.identity);
        if let Some(opinion) = key
            .as_ref()
            .and_then(|key| self.remembered(key, desk.now()))
        {
            return decide(&opinion, question, 0);
        }
        let asked = Instant::now();
        let call = Call {
            function,
            source_arn: desk.arn(&format!("authorizers/{}", self.own.id)),
            payload: event().to_string().into(),
            streams: false,
        };
        let called = desk.call(call, question.within).await;
        let result = match &called {
            Ok(called) => called.borrowed(),
            Err(_) => InvokeResult::Failed,
        };
        match &called {
            Ok(Called::Failed(why)) => desk.say(None, why),
            Err(late) => desk.say(None, late),
            Ok(_) => {}
        }
        let opinion = Opinion::read(&result, question.answers)?;
        let latency = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        let decided = decide(&opinion, question, latency);
        if let Some(key) = key {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.remember(key, opinion, self.ttl, desk.now());
        }
        decided
    }

    fn remembered(&self, key: &CacheKey, now_ms: u64) -> Option<Opinion> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.find(key, now_ms).cloned()
    }
}

fn decide(opinion: &Opinion, question: &Question<'_>, latency_ms: u64) -> Result<LetIn, Refused> {
    Ok(LetIn {
        caller: opinion.decide_beside(question.arn, latency_ms, question.allowed)?,
        usage_key: opinion.usage_key().map(str::to_owned),
    })
}
