//! Functions that run where they are worked on, in the place of copies that
//! were deployed: what `tether local` is, seen from here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tether_host::Function;
use tether_protocol::{Environment, Secret};
use tether_runtime_api::environment::FUNCTION_VERSION;

/// Finds the working copies of functions, and what they find around them.
pub trait WorkingCopies: Send + Sync {
    /// Where a function runs now.
    ///
    /// # Errors
    /// Why it cannot be run here, for people.
    fn find(&self, logical_id: &str) -> Result<Arc<Function>, String>;

    /// The variables of its processes.
    fn variables(&self, wanted: &WantedCopy<'_>) -> BTreeMap<String, String>;

    /// The seconds that it has, where its template gives it so many.
    fn timeout(&self, logical_id: &str, template: u32) -> u32;
}

/// A function as its stack has it.
#[derive(Clone, Copy)]
pub struct WantedCopy<'a> {
    /// In the template.
    pub logical_id: &'a str,
    /// In Lambda.
    pub name: &'a str,
    /// `python3.13`
    pub runtime: &'a str,
    /// In MB.
    pub memory_mb: u32,
    /// The template's variables, references resolved. They are secrets.
    pub environment: &'a BTreeMap<String, String>,
    /// Where SDKs find this cloud.
    pub endpoint: SocketAddr,
    /// Certificates of its WebSocket APIs, if there are some.
    pub certificates: Option<Certificates<'a>>,
}

/// Files of certificates in PEM.
#[derive(Clone, Copy)]
pub struct Certificates<'a> {
    /// The authority of this cloud's WebSocket APIs.
    pub own: &'a Path,
    /// It, and all that this machine trusts besides.
    pub all: &'a Path,
}

/// One function's working copy.
pub(crate) struct Here {
    pub(crate) copies: Arc<dyn WorkingCopies>,
    pub(crate) logical_id: String,
    variables: RwLock<Arc<Environment>>,
    lanes: Mutex<Lanes>,
    /// How its lanes are called.
    named: String,
    /// The same code as it is told of each published version.
    published: RwLock<BTreeMap<String, Arc<Here>>>,
}

/// Execution environments by number: an invocation has one for itself, the one
/// that was used last, so that idle ones can end.
#[derive(Default)]
struct Lanes {
    free: Vec<Arc<str>>,
    count: usize,
}

impl Lanes {
    /// Whether an invocation runs in one of them.
    fn are_busy(&self) -> bool {
        self.free.len() < self.count
    }
}

/// The place of one invocation.
pub(crate) struct Lane<'a> {
    here: &'a Here,
    pub(crate) name: Arc<str>,
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        let mut lanes = self.here.lanes();
        lanes.free.push(Arc::clone(&self.name));
    }
}

impl Here {
    pub(crate) fn new(
        copies: Arc<dyn WorkingCopies>,
        logical_id: &str,
        variables: BTreeMap<String, String>,
    ) -> Self {
        Self {
            copies,
            logical_id: logical_id.to_owned(),
            variables: RwLock::new(Arc::new(Secret::new(variables))),
            lanes: Mutex::default(),
            named: "local".to_owned(),
            published: RwLock::default(),
        }
    }

    /// A published version: it has environments of its own, as on Lambda.
    pub(crate) fn of_version(&self, version: &str) -> Arc<Here> {
        {
            let published = self.published.read();
            let published = published.unwrap_or_else(PoisonError::into_inner);
            if let Some(here) = published.get(version) {
                return Arc::clone(here);
            }
        }
        let published = self.published.write();
        let mut published = published.unwrap_or_else(PoisonError::into_inner);
        let here = published.entry(version.to_owned()).or_insert_with(|| {
            let variables = of_version(self.variables().expose(), version);
            let here = Self::new(Arc::clone(&self.copies), &self.logical_id, variables);
            let named = format!("local-{version}");
            Arc::new(Self { named, ..here })
        });
        Arc::clone(here)
    }

    /// Other variables from now on.
    pub(crate) fn set_variables(&self, variables: BTreeMap<String, String>) {
        {
            let own = self.variables.write();
            let mut own = own.unwrap_or_else(PoisonError::into_inner);
            *own = Arc::new(Secret::new(variables.clone()));
        }
        // Behind its own: a version that comes meanwhile is made of those.
        let published = self.published.read();
        let published = published.unwrap_or_else(PoisonError::into_inner);
        for (version, here) in published.iter() {
            here.set_variables(of_version(&variables, version));
        }
    }

    /// These versions are asked for by their numbers at most: their idle processes
    /// end, and are started again if somebody asks.
    pub(crate) async fn end_versions(&self, superseded: &[String]) {
        let ended: Vec<String> = {
            let published = self.published.write();
            let mut published = published.unwrap_or_else(PoisonError::into_inner);
            let ended = superseded.iter().filter_map(|version| {
                let here = published.get(version)?;
                let prefix = format!("{}-", here.named);
                if !here.lanes().are_busy() {
                    published.remove(version);
                }
                Some(prefix)
            });
            ended.collect()
        };
        if ended.is_empty() {
            return;
        }
        // One that cannot be run here has no processes.
        if let Ok(function) = self.copies.find(&self.logical_id) {
            for prefix in ended {
                function.end_named(&prefix).await;
            }
        }
    }

    pub(crate) fn variables(&self) -> Arc<Environment> {
        let variables = self.variables.read();
        Arc::clone(&variables.unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn lane(&self) -> Lane<'_> {
        let mut lanes = self.lanes();
        let name = lanes.free.pop().unwrap_or_else(|| {
            lanes.count += 1;
            Arc::from(format!("{}-{}", self.named, lanes.count))
        });
        Lane { here: self, name }
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The seconds that an invocation has.
    pub(crate) fn timeout(&self, template: u32) -> u32 {
        self.copies.timeout(&self.logical_id, template)
    }
}

/// What Lambda tells a published version of itself.
fn of_version(latest: &BTreeMap<String, String>, version: &str) -> BTreeMap<String, String> {
    let mut variables = latest.clone();
    variables.insert(FUNCTION_VERSION.to_owned(), version.to_owned());
    if let Some(stream) = variables.get_mut("AWS_LAMBDA_LOG_STREAM_NAME") {
        *stream = stream.replace("[$LATEST]", &format!("[{version}]"));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl WorkingCopies for Nowhere {
        fn find(&self, _: &str) -> Result<Arc<Function>, String> {
            Err("it is not here".to_owned())
        }

        fn variables(&self, _: &WantedCopy<'_>) -> BTreeMap<String, String> {
            BTreeMap::new()
        }

        fn timeout(&self, _: &str, template: u32) -> u32 {
            template
        }
    }

    fn here() -> Here {
        Here::new(Arc::new(Nowhere), "Hello", who("before"))
    }

    fn who(name: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("WHO".to_owned(), name.to_owned())])
    }

    fn seen(here: &Here) -> String {
        here.variables().expose()["WHO"].clone()
    }

    #[test]
    fn a_version_that_comes_while_variables_change_has_the_new_ones() {
        let here = here();
        let known = here.of_version("1");
        std::thread::scope(|scope| {
            // Whoever adds a version holds this.
            let published = here.published.write().unwrap();
            scope.spawn(|| here.set_variables(who("now")));
            let begun = std::time::Instant::now();
            while seen(&here) != "now" {
                assert!(
                    begun.elapsed().as_secs() < 20,
                    "a version would get the old ones"
                );
                std::thread::yield_now();
            }
            drop(published);
        });
        assert_eq!(seen(&known), "now");
        assert_eq!(seen(&here.of_version("2")), "now");
    }

    #[tokio::test]
    async fn a_version_that_is_given_up_is_kept_while_it_runs() {
        let here = here();
        let (idle, busy) = (here.of_version("1"), here.of_version("2"));
        drop(idle.lane());
        let lane = busy.lane();
        here.end_versions(&["1".to_owned(), "2".to_owned()]).await;
        assert!(!Arc::ptr_eq(&idle, &here.of_version("1")));
        assert!(Arc::ptr_eq(&busy, &here.of_version("2")));
        drop(lane);
    }
}
