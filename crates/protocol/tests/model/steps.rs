//! What may happen, in words.

use crate::bootstrap::Posting;
use crate::table::{Attempt, Write};
use crate::world::{Fate, Session};
use std::fmt;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Post(Posting),
    ReadSession(Fate),
    Read(Fate),
    Abandon(Fate),
    Expire(Fate),
    Timer,
    /// To the next moment at which time makes a difference.
    Time,
    /// The same, with the post still under way.
    Slow,
    BootstrapDies,
    Retry,
    /// A write of unknown outcome is done after all.
    Lands(Write),
    Session(Session),
    /// True: it is declined.
    Arrives(Attempt, bool),
    Claim(usize, Attempt, Fate),
    Starts(usize, Attempt),
    Finishes(usize, Attempt),
    /// By another connection.
    Reconnects(usize, Attempt),
    /// The laptop's own timer for an attempt.
    Wakes(usize, Attempt),
    Looks(usize, Attempt, Fate),
    /// The session ends at once.
    Interrupts,
    ReceiverDies,
    /// True: its answer gets back to the laptop.
    Connect(usize, Attempt, Fate, bool),
    ReplyLost(usize, Attempt),
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Told => "it is done, and told",
            Self::Failed => "it is not done, and told",
            Self::Unknown => "nobody tells what came of it",
            Self::CutOff => "nobody tells what came of it, from now on",
        })
    }
}

impl fmt::Display for Posting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delivered => "the post is taken",
            Self::Twice => "the post is taken, and delivered twice",
            Self::Gone => "the post is answered with 410",
            Self::Refused => "the post is refused",
            Self::Unknown => "nobody tells what came of the post",
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Post(posting) => posting.fmt(f),
            Self::ReadSession(fate) => write!(f, "the bootstrap reads the session: {fate}"),
            Self::Read(fate) => write!(f, "the bootstrap reads the record: {fate}"),
            Self::Abandon(fate) => write!(f, "the bootstrap abandons: {fate}"),
            Self::Expire(fate) => write!(f, "the bootstrap expires: {fate}"),
            Self::Timer => f.write_str("the bootstrap wakes up"),
            Self::Time => f.write_str("time goes on"),
            Self::Slow => f.write_str("time goes on, and the post is still under way"),
            Self::BootstrapDies => f.write_str("the bootstrap dies"),
            Self::Retry => f.write_str("it is tried again, with the same request id"),
            Self::Lands(write) => write!(f, "done after all: {write}"),
            Self::Session(Session::On(connection)) => {
                write!(f, "the session is active on connection {connection}")
            }
            Self::Session(Session::Away) => f.write_str("the session is away"),
            Self::Session(Session::Over) => f.write_str("the session is over"),
            Self::Arrives(attempt, true) => {
                write!(f, "the laptop has attempt {}, and declines", attempt + 1)
            }
            Self::Arrives(attempt, false) => write!(f, "the laptop has attempt {}", attempt + 1),
            Self::Claim(_, attempt, fate) => {
                write!(f, "the laptop takes attempt {}: {fate}", attempt + 1)
            }
            Self::Starts(_, attempt) => {
                write!(f, "the laptop starts attempt {} if it may", attempt + 1)
            }
            Self::Finishes(_, attempt) => write!(f, "the run of attempt {} ends", attempt + 1),
            Self::Reconnects(_, attempt) => {
                write!(
                    f,
                    "the laptop replies to attempt {} by another connection",
                    attempt + 1
                )
            }
            Self::Wakes(_, attempt) => {
                write!(f, "the laptop's timer for attempt {} is up", attempt + 1)
            }
            Self::Looks(_, attempt, fate) => {
                write!(
                    f,
                    "the laptop looks what became of attempt {}: {fate}",
                    attempt + 1
                )
            }
            Self::Interrupts => f.write_str("the session ends at once"),
            Self::ReceiverDies => f.write_str("the receiver dies, and another session begins"),
            Self::Connect(_, attempt, fate, acknowledged) => {
                write!(f, "connect answers attempt {}: {fate}", attempt + 1)?;
                f.write_str(if *acknowledged {
                    ""
                } else {
                    ", but not to the laptop"
                })
            }
            Self::ReplyLost(_, attempt) => {
                write!(f, "the reply to attempt {} is lost", attempt + 1)
            }
        }
    }
}
