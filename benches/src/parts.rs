//! The parts of the bench: each starts what it needs, and ends it.

mod attach;
mod bootstrap;
mod cost;
mod fall_through;
mod hops;
mod host;
mod local;
mod logs;
mod payloads;
mod reload;
mod round_trip;
mod soak;
mod websocket;

use crate::cloud::{Link, Setting};
use crate::report::{Met, Report};
use crate::say;
use anyhow::{Context as _, Result};

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Name {
    /// Exec to first `next`, peak RSS, zipped layer.
    Bootstrap,
    /// An invocation of a session that is over.
    FallThrough,
    /// The live road, 1 and 16 in flight.
    RoundTrip,
    /// 6 MB each way.
    Payloads,
    /// Memory, CPU and AWS calls per invocation.
    Cost,
    /// A save, and the next answer.
    Reload,
    /// 10,000 invocations through the host.
    Host,
    /// 100 MB of output.
    Logs,
    /// `tether local` under load; with --peers, others beside it.
    Local,
    /// Attach and detach.
    Attach,
    /// 2,000 invocations, 16 in flight.
    Soak,
    /// 10,000 idle WebSockets, and 20,000 posts a second.
    Websocket,
}

const ALL: [Name; 12] = [
    Name::Bootstrap,
    Name::FallThrough,
    Name::RoundTrip,
    Name::Payloads,
    Name::Cost,
    Name::Reload,
    Name::Host,
    Name::Logs,
    Name::Local,
    Name::Attach,
    Name::Soak,
    Name::Websocket,
];

impl Name {
    /// As for `--only`.
    fn typed(self) -> String {
        use clap::ValueEnum as _;
        let value = self.to_possible_value();
        value.map_or_else(String::new, |it| it.get_name().to_owned())
    }

    fn is_measured_over_a_wan(self) -> bool {
        matches!(self, Self::RoundTrip | Self::Payloads | Self::Attach)
    }
}

/// One part, measured so.
#[derive(Clone, Copy)]
struct Part<'a> {
    setting: &'a Setting,
    link: Link,
}

impl Part<'_> {
    /// What is measured, and where if that is not this machine alone.
    fn name(&self, what: &str) -> String {
        format!("{what}{}", self.suffix())
    }

    fn suffix(&self) -> &'static str {
        match self.link {
            Link::Here => "",
            Link::Wan | Link::Distance => ", WAN",
        }
    }
}

/// Measures what is wanted, everything if nothing is named.
pub(crate) async fn run(setting: &Setting, wanted: &[Name], report: &mut Report) -> Result<()> {
    let is_wanted = |name: &Name| wanted.is_empty() || wanted.contains(name);
    for name in ALL.iter().filter(|it| is_wanted(it)) {
        measure(*name, setting, Link::Here, report).await?;
        if !name.is_measured_over_a_wan() {
            continue;
        }
        if setting.has_latency {
            measure(*name, setting, Link::Wan, report).await?;
        } else {
            let what = format!("{}, WAN", name.typed());
            report.row(&what, "", "this emulator has no --latency", Met::Unknown);
        }
    }
    Ok(())
}

async fn measure(name: Name, setting: &Setting, link: Link, report: &mut Report) -> Result<()> {
    say::progress(&format!("{}, {}", name.typed(), link.name()));
    let part = Part { setting, link };
    let measured = match name {
        Name::Bootstrap => bootstrap::run(part, report).await,
        Name::FallThrough => fall_through::run(part, report).await,
        Name::RoundTrip => round_trip::run(part, report).await,
        Name::Payloads => payloads::run(part, report).await,
        Name::Cost => cost::run(part, report).await,
        Name::Reload => reload::run(part, report).await,
        Name::Host => host::run(part, report).await,
        Name::Logs => logs::run(part, report).await,
        Name::Local => local::run(part, report).await,
        Name::Attach => attach::run(part, report).await,
        Name::Soak => soak::run(part, report).await,
        Name::Websocket => websocket::run(part, report).await,
    };
    measured.with_context(|| format!("{}, {}", name.typed(), link.name()))
}
