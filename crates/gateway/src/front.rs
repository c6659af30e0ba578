//! One API on one port.

use crate::callers::{Callers, LocalKeys};
use crate::functions::Functions;
use crate::http1::{self, Handler, Limits, Malformed, Received, Reply};
use crate::keys::Keys;
use crate::sink::{Sink, say};
use crate::stamps::{Clock, wall_clock};
use async_trait::async_trait;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
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
    /// Whether everybody is let in, whatever routes ask for (`--disable-authorizer`).
    pub disable_authorizer: bool,
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
    settings: Settings,
    at: Whereabouts,
    kind: ApiKind,
    logical_id: String,
    api: RwLock<Arc<Api>>,
}

impl Front {
    /// Makes an API servable.
    ///
    /// # Errors
    /// When it is not.
    pub fn new(settings: Settings, at: Whereabouts, api: &Api) -> Result<Arc<Self>, FrontError> {
        Ok(Arc::new(Self {
            settings,
            at,
            kind: api.kind,
            logical_id: api.logical_id.clone(),
            api: RwLock::new(Arc::new(api.clone())),
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
                api: self.logical_id.clone(),
                why: "it became an API of another kind: start again".to_owned(),
            });
        }
        let api = Arc::new(api.clone());
        *self.api.write().unwrap_or_else(PoisonError::into_inner) = api;
        Ok(())
    }

    /// The API's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &str {
        &self.logical_id
    }

    /// Which rules it follows.
    #[must_use]
    pub fn kind(&self) -> ApiKind {
        self.kind
    }

    /// Serves until it is told to end; answers on their way have a second then.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, ending: CancellationToken) {
        let limits = self.settings.limits;
        http1::serve(listener, self, limits, ending).await;
    }
}

impl Front {
    pub(crate) fn api(&self) -> Arc<Api> {
        Arc::clone(&self.api.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The stage that stands in paths, if one does.
    pub(crate) fn first_stage(&self) -> Option<String> {
        let api = self.api();
        let stage = api.stages.first().map(|it| it.name.clone());
        stage.filter(|it| it != "$default")
    }
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
        let answer = match self.kind {
            _ if received.too_large => Answer::message(413, "Request Entity Too Large"),
            ApiKind::Rest => Answer::message(403, "Missing Authentication Token"),
            ApiKind::Http | ApiKind::FunctionUrl => Answer::message(404, "Not Found"),
        };
        Reply::Whole(answer)
    }

    fn refuse(&self, why: Malformed) -> Answer {
        say(&self.settings.sink, &self.logical_id, &why);
        Answer::message(why.status(), why.message())
    }

    fn cannot_accept(&self, error: &io::Error) {
        let line = format!("cannot take a connection ({error}): close some, or raise `ulimit -n`");
        say(&self.settings.sink, &self.logical_id, &line);
    }
}
