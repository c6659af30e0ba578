//! One API on one port.

use crate::callers::{Callers, LocalKeys};
use crate::desk::Desk;
use crate::functions::Functions;
use crate::http1::{self, Handler, Limits, Malformed, Received, Reply};
use crate::keys::Keys;
use crate::sink::{Access, Sink};
use crate::stamps::{Clock, wall_clock};
use crate::upstream::Upstream;
use crate::{function_url, http_api, rest};
use async_trait::async_trait;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tether_apigw::http::{Answer, Whereabouts};
use tether_sam::api::{Api, ApiKind, ApiRoute};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What all fronts of one command share.
#[derive(Clone)]
pub struct Settings {
    /// What runs functions.
    pub functions: Arc<dyn Functions>,
    /// Who is told what happens.
    pub sink: Arc<dyn Sink>,
    /// Who signs by which access key.
    pub callers: Arc<dyn Callers>,
    /// What tokens are verified by.
    pub keys: Arc<Keys>,
    /// Whether everybody is let in, whatever routes and resource policies ask for
    /// (`--disable-authorizer`).
    pub disable_authorizer: bool,
    /// How long integrations may take at least, where somebody debugs; none: as long as on AWS.
    pub patience: Option<Duration>,
    /// What time it is: for tests to say.
    pub clock: Clock,
    /// How much and how long.
    pub limits: Limits,
}

impl Settings {
    /// Tokens are verified by their issuers' keys, signatures are believed, authorizers run.
    #[must_use]
    pub fn new(functions: Arc<dyn Functions>, sink: Arc<dyn Sink>) -> Self {
        Self {
            functions,
            sink,
            callers: Arc::new(LocalKeys::default()),
            keys: Arc::new(Keys::of_issuers()),
            disable_authorizer: false,
            patience: None,
            clock: wall_clock(),
            limits: Limits::default(),
        }
    }
}

/// Why an API cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{api} cannot be served: {why}")]
pub struct FrontError {
    /// Its logical id.
    pub api: String,
    /// What is wrong with it.
    pub why: String,
}

/// One API, on whatever listeners it is given.
pub struct Front {
    desk: Desk,
    kind: ApiKind,
    served: RwLock<Arc<Served>>,
}

/// One version of an API.
struct Served {
    api: Arc<Api>,
    rules: Rules,
}

/// What answers, by kind.
enum Rules {
    Rest(Box<rest::Rules>),
    Http(Box<http_api::Rules>),
    Url(Box<function_url::Rules>),
}

impl Rules {
    fn new(api: &Api, desk: &Desk, before: Option<&Self>) -> Result<Self, String> {
        Ok(match api.kind {
            ApiKind::Rest => {
                let before = match before {
                    Some(Self::Rest(before)) => Some(&**before),
                    _ => None,
                };
                Self::Rest(Box::new(rest::Rules::new(api, desk, before)?))
            }
            ApiKind::Http => {
                let before = match before {
                    Some(Self::Http(before)) => Some(&**before),
                    _ => None,
                };
                Self::Http(Box::new(http_api::Rules::new(api, before, desk.now())?))
            }
            ApiKind::FunctionUrl => Self::Url(Box::new(function_url::Rules::new(api)?)),
        })
    }
}

impl Front {
    /// Makes an API servable.
    ///
    /// # Errors
    /// When it is not.
    pub fn new(settings: Settings, at: Whereabouts, api: &Api) -> Result<Arc<Self>, FrontError> {
        let desk = Desk {
            settings,
            at,
            logical_id: api.logical_id.clone(),
            upstream: Upstream::default(),
        };
        let served = served(api, &desk, None)?;
        Ok(Arc::new(Self {
            desk,
            kind: api.kind,
            served: RwLock::new(Arc::new(served)),
        }))
    }

    /// Other routes, stages, authorizers from now on. Connections stay, requests on their way end
    /// as they began, and what authorizers decided is remembered as long as they are the same.
    ///
    /// # Errors
    /// When it cannot be served; what was served before still is.
    pub fn redefine(&self, api: &Api) -> Result<(), FrontError> {
        if api.kind != self.kind {
            return Err(FrontError {
                api: self.desk.logical_id.clone(),
                why: "it became an API of another kind: start again".to_owned(),
            });
        }
        let before = self.served();
        let served = served(api, &self.desk, Some(&before.rules))?;
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
        Ok(())
    }

    /// The API's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &str {
        &self.desk.logical_id
    }

    /// Which rules it follows.
    #[must_use]
    pub fn kind(&self) -> ApiKind {
        self.kind
    }

    /// Serves until it is told to end; answers on their way have a second then.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, ending: CancellationToken) {
        let limits = self.limits();
        http1::serve(listener, self, limits, ending).await;
    }

    fn served(&self) -> Arc<Served> {
        Arc::clone(&self.served.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn api(&self) -> Arc<Api> {
        Arc::clone(&self.served().api)
    }

    pub(crate) fn limits(&self) -> Limits {
        self.desk.settings.limits
    }

    /// The stage that stands in paths, if one does.
    pub(crate) fn first_stage(&self) -> Option<String> {
        let api = self.api();
        let stage = api.stages.first().map(|it| it.name.clone());
        stage.filter(|it| it != "$default")
    }
}

fn served(api: &Api, desk: &Desk, before: Option<&Rules>) -> Result<Served, FrontError> {
    let rules = Rules::new(api, desk, before).map_err(|why| FrontError {
        api: api.logical_id.clone(),
        why,
    })?;
    Ok(Served {
        api: Arc::new(api.clone()),
        rules,
    })
}

/// `GET /pets/{id}`, `$default`
pub(crate) fn label(route: &ApiRoute) -> String {
    if route.path == "$default" {
        return route.path.clone();
    }
    format!("{} {}", route.method, route.path)
}

#[async_trait]
impl Handler for Front {
    async fn answer(&self, received: Received) -> Reply {
        let begun = Instant::now();
        let served = self.served();
        let answered = match &served.rules {
            Rules::Rest(rules) => rest::answer(&self.desk, rules, &received).await,
            Rules::Http(rules) => http_api::answer(&self.desk, rules, &received).await,
            Rules::Url(rules) => function_url::answer(&self.desk, rules, &received).await,
        };
        self.desk.settings.sink.answered(&Access {
            api: &self.desk.logical_id,
            method: &received.request.method,
            path: &received.request.path,
            route: answered.route.as_deref(),
            function: answered.function.as_deref(),
            status: answered.reply.status(),
            took: begun.elapsed(),
        });
        answered.reply
    }

    fn refuse(&self, why: Malformed) -> Answer {
        self.desk.say(None, &why);
        Answer::message(why.status(), why.message())
    }

    fn cannot_accept(&self, error: &io::Error) {
        let line = format!("cannot take a connection ({error}): close some, or raise `ulimit -n`");
        self.desk.say(None, &line);
    }
}
