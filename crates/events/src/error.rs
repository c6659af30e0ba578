/// Why there is no event.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody of that name sends events.
    #[error("there is no service {name}")]
    NoService {
        /// As it was asked for.
        name: String,
        /// All that there are.
        known: Vec<&'static str>,
    },
    /// The service has no such event.
    #[error("{service} has no event {name}")]
    NoEvent {
        /// The service's name.
        service: String,
        /// As it was asked for.
        name: String,
        /// All that it has.
        known: Vec<String>,
    },
    /// Nothing in the event is made of that.
    #[error("{event} takes no {name}")]
    NoParameter {
        /// Service and event.
        event: String,
        /// As it was given.
        name: String,
        /// All that it takes.
        known: Vec<String>,
    },
    /// What was given cannot stand where it belongs. Values may be secret: it is not shown.
    #[error("{name} must be {wanted}")]
    NotTaken {
        /// The parameter.
        name: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A mistake in a file of ours.
    #[error("the event's template is wrong: {0}")]
    Template(String),
}

impl Error {
    /// What was asked for, and what there is in its place.
    #[must_use]
    pub fn alternatives(&self) -> Option<(&str, Vec<&str>)> {
        match self {
            Self::NoService { name, known } => Some((name, known.clone())),
            Self::NoEvent { name, known, .. } | Self::NoParameter { name, known, .. } => {
                Some((name, known.iter().map(String::as_str).collect()))
            }
            Self::NotTaken { .. } | Self::Template(_) => None,
        }
    }
}
