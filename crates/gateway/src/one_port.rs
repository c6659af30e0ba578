//! Several APIs on one port, without their stages in the path, as `sam local start-api` serves them.

mod table;

use crate::front::Front;
use crate::http1::{self, Handler, Limits, Malformed, Received, Reply};
use async_trait::async_trait;
use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use tether_apigw::http::Answer;
use tether_sam::api::ApiKind;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// All HTTP routes of some APIs. A request goes to the route that is most specific for it, of equal
/// ones to that of the first API.
pub struct OnePort {
    fronts: RwLock<Arc<Vec<Arc<Front>>>>,
    limits: Limits,
}

/// Two APIs have the same route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// `GET /pets/{id}`
    pub route: String,
    /// The logical id of the API that serves it.
    pub serves: String,
    /// The logical id of the one that does not.
    pub hidden: String,
}

impl fmt::Display for Collision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            route,
            serves,
            hidden,
        } = self;
        write!(
            out,
            "{route} is in {serves} and in {hidden}: {serves} answers on the one port; give {hidden} a port of its own (leave out --one-port) or another path"
        )
    }
}

impl OnePort {
    /// One port for these, in the order of the template, and what collides. Function URLs have no
    /// paths of their own and are left out.
    #[must_use]
    pub fn new(limits: Limits, fronts: Vec<Arc<Front>>) -> (Arc<Self>, Vec<Collision>) {
        let one = Self {
            fronts: RwLock::default(),
            limits,
        };
        let collisions = one.rearrange(fronts);
        (Arc::new(one), collisions)
    }

    /// Serves these from now on; connections stay. What collides.
    pub fn rearrange(&self, fronts: Vec<Arc<Front>>) -> Vec<Collision> {
        let mut fronts = fronts;
        fronts.retain(|it| it.kind() != ApiKind::FunctionUrl);
        let collisions = table::collisions(&fronts);
        let mut own = self.fronts.write().unwrap_or_else(PoisonError::into_inner);
        *own = Arc::new(fronts);
        collisions
    }

    fn fronts(&self) -> Arc<Vec<Arc<Front>>> {
        Arc::clone(&self.fronts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What collides now: routes may have changed since.
    #[must_use]
    pub fn collisions(&self) -> Vec<Collision> {
        table::collisions(&self.fronts())
    }

    /// Serves until it is told to end; answers on their way have a second then.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, ending: CancellationToken) {
        let limits = self.limits;
        http1::serve(listener, self, limits, ending).await;
    }

    /// The API whose route fits best; the first one, if none does, which then says so.
    fn front(&self, method: &str, path: &str) -> Option<Arc<Front>> {
        let fronts = self.fronts();
        let takers = fronts.iter().enumerate().filter_map(|(at, front)| {
            let rank = table::rank(&front.api().routes, method, path)?;
            // Of equal ranks the first counts.
            Some((rank, std::cmp::Reverse(at), front))
        });
        let best = takers.max_by_key(|(rank, at, _)| (*rank, *at));
        best.map(|(_, _, front)| front).or(fronts.first()).cloned()
    }
}

#[async_trait]
impl Handler for OnePort {
    async fn answer(&self, mut received: Received) -> Reply {
        let request = &mut received.request;
        let Some(front) = self.front(&request.method, &request.path) else {
            return Reply::Whole(Answer::message(404, "Not Found"));
        };
        if let Some(stage) = front.first_stage() {
            request.path.insert_str(0, &stage);
            request.path.insert(0, '/');
        }
        front.answer(received).await
    }

    fn refuse(&self, why: Malformed) -> Answer {
        match self.fronts().first() {
            Some(front) => front.refuse(why),
            None => Answer::message(why.status(), why.message()),
        }
    }

    fn cannot_accept(&self, error: &io::Error) {
        if let Some(front) = self.fronts().first() {
            front.cannot_accept(error);
        }
    }
}
