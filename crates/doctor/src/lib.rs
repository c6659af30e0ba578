//! Walks the live road step by step and says which one fails and why, each with
//! what to do. It changes nothing: where only a write can tell whether one may
//! write, its condition never holds.
//!
//! A step takes ten seconds at most. One that needs another which has failed is
//! skipped; those that do not need each other go side by side.

mod finding;
mod functions;
mod ground;
mod helper;
mod local;
mod outputs;
mod quotas;
mod rights;
mod socket;

pub use finding::{Finding, State, Step, Summary};

use finding::Book;
use std::path::PathBuf;
use std::time::Duration;
use tether_receiver::Whereabouts;

/// A step that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to look at.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Where AWS is.
    pub whereabouts: Whereabouts,
    /// The helper stack's name.
    pub helper_stack_name: String,
    /// The stack whose functions are looked at, if any.
    pub stack_name: Option<String>,
    /// Logical ids; empty: all.
    pub functions: Vec<String>,
    /// The stack's template on this machine.
    pub template: PathBuf,
    /// The first function's debugger port.
    pub debug_port: u16,
}

impl Wish {
    fn wants(&self, logical_id: &str) -> bool {
        self.functions.is_empty() || self.functions.iter().any(|it| it == logical_id)
    }
}

/// Walks the road; each finding is told as it is made.
pub async fn examine(wish: &Wish, tell: &(dyn Fn(&Finding) + Sync)) -> Summary {
    let book = Book::new(tell);
    let here = async { local::findings(wish, local::look(wish).await) };
    let here = finding::bounded(Step::LocalCode, here);
    let ((), here) = tokio::join!(there(wish, &book), here);
    book.put_all(here);
    book.summary()
}

/// Everything that is not on this machine.
async fn there(wish: &Wish, book: &Book<'_>) {
    let Some(surroundings) = ground::surroundings(wish, book).await else {
        return book.skip(&Step::BEHIND_NETWORK, "the network's settings");
    };
    let is_somewhere = ground::region(&surroundings, book);
    let is_reached = ground::network(&surroundings, book).await;
    if !(is_somewhere && is_reached) {
        let needs = if is_somewhere {
            "the network"
        } else {
            "a region"
        };
        book.put(ground::keys(&surroundings, needs).await);
        return book.skip(&Step::BEHIND_IDENTITY, needs);
    }
    let Some(account) = ground::account(surroundings, book).await else {
        book.skip(&Step::BEHIND_CREDENTIALS, "credentials");
        return;
    };
    let Some(helper) = helper::find(wish, &account, book).await else {
        book.skip(&Step::BEHIND_HELPER, "a helper stack");
        book.put_all(finding::bounded(Step::Quotas, quotas::look(&account)).await);
        return;
    };
    let (developer, socket, quotas) = tokio::join!(
        helper::developer(&account, &helper),
        finding::bounded(Step::WebSocket, socket::look(&account, &helper)),
        finding::bounded(Step::Quotas, quotas::look(&account)),
    );
    match developer {
        Ok((developer, finding)) => {
            book.put(finding);
            let (parts, theirs, functions) = tokio::join!(
                finding::bounded(
                    Step::HelperParts,
                    rights::look(&account, &helper, &developer)
                ),
                finding::bounded(Step::HelperRights, rights::theirs(&helper, &developer)),
                functions::look(wish, &account, &helper, &developer),
            );
            book.put_all(parts);
            book.put_all(theirs);
            book.put_all(socket);
            book.put_all(quotas);
            book.put_all(functions);
        }
        Err(finding) => {
            book.put(finding);
            book.skip(
                &[Step::HelperParts, Step::DeveloperRights, Step::HelperRights],
                "the developer role",
            );
            book.put_all(socket);
            book.put_all(quotas);
            book.skip(&[Step::Functions], "the developer role");
        }
    }
}
