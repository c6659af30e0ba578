//! Which API has which port: one after the other from the first, in the
//! template's order, and the same again for one that comes back.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;

/// See the module.
pub(crate) struct Ports {
    host: IpAddr,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// None: free ones are taken.
    next: Option<u16>,
    /// API → its port, once it had one.
    known: HashMap<String, u16>,
    /// Those that wait for their API.
    kept: HashMap<String, (TcpListener, u16)>,
}

impl Ports {
    pub(crate) fn from(host: IpAddr, first: Option<u16>) -> Self {
        let next = first.filter(|it| *it > 0);
        let state = State {
            next,
            ..State::default()
        };
        Self {
            host,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a port for an API that is about to be served: what is made before
    /// it may have to know its address.
    ///
    /// # Errors
    /// When a port is taken.
    pub(crate) async fn keep(&self, api: &str) -> Result<(), String> {
        let kept = self.listen(api).await?;
        self.state().kept.insert(api.to_owned(), kept);
        Ok(())
    }

    /// The port of an API that is to be served now.
    ///
    /// # Errors
    /// When it is taken.
    pub(crate) async fn take(&self, api: &str) -> Result<(TcpListener, u16), String> {
        let kept = self.state().kept.remove(api);
        match kept {
            Some(kept) => Ok(kept),
            None => self.listen(api).await,
        }
    }

    /// The port that an API has, or is about to have.
    pub(crate) fn of(&self, api: &str) -> Option<u16> {
        self.state().known.get(api).copied()
    }

    async fn listen(&self, api: &str) -> Result<(TcpListener, u16), String> {
        let (wanted, is_new) = {
            let state = self.state();
            match state.known.get(api) {
                Some(port) => (*port, false),
                None => (state.next.unwrap_or(0), true),
            }
        };
        let listener = TcpListener::bind((self.host, wanted)).await;
        let listener = listener.map_err(|error| {
            format!("port {wanted} cannot be served ({error}): end what listens there, or choose another first port with --port (0 takes free ones)")
        })?;
        let port = listener.local_addr().map_err(|it| it.to_string())?.port();
        let mut state = self.state();
        state.known.insert(api.to_owned(), port);
        if is_new && let Some(next) = &mut state.next {
            *next = next.saturating_add(1);
        }
        Ok((listener, port))
    }
}
