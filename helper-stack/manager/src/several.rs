//! Several functions at once, in one task, and none of them for ever.

use crate::cloud::Cloud;
use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt as _};
use std::pin::pin;
use std::time::Duration;

/// Functions that are worked at at the same time. More would only queue for
/// their turns: an update settles within a second or two, and ten calls a
/// second may be made (see `paced`).
const AT_ONCE: usize = 10;

/// Does this for each of them, and answers in their order.
pub(crate) async fn each<T, R>(
    items: impl IntoIterator<Item = T>,
    work: impl AsyncFn(T) -> R,
) -> Vec<R> {
    let work = &work;
    let works = items
        .into_iter()
        .enumerate()
        .map(|(position, item)| async move { (position, work(item).await) });
    let mut done: Vec<_> = stream::iter(works)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    done.sort_by_key(|(position, _)| *position);
    done.into_iter().map(|(_, result)| result).collect()
}

/// What comes of some work within this time; none: it took longer. It is left
/// where it stands then, as if the manager had ended there: the journal knows.
pub(crate) async fn within<C: Cloud, R>(
    cloud: &C,
    span: Duration,
    work: impl Future<Output = R>,
) -> Option<R> {
    match select(pin!(work), pin!(cloud.pause(span))).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
