//! Which stage and which method a path selects.

/// A method of a resource, as an API declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// `GET`; `ANY` for each that has none of its own.
    pub method: String,
    /// `/pets/{id}`, `/{proxy+}`
    pub path: String,
    /// `a1b2c3`
    pub resource_id: String,
}

/// A request's path, taken apart. Nothing of it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagePath<'a> {
    /// `/Prod//pets/`: `requestContext.path`.
    pub whole: &'a str,
    /// `/pets/`: the event's `path`.
    pub inner: &'a str,
}

/// Finds the stage in a path: its first segment.
///
/// `None` if the API has no stage of that name, which is a 403 of its own
/// ([`FaultKind::NoStage`](super::FaultKind::NoStage)).
#[must_use]
pub fn take_stage<'a, 's>(
    path: &'a str,
    stages: impl IntoIterator<Item = &'s str>,
) -> Option<(&'s str, StagePath<'a>)> {
    let _ = (path, stages.into_iter().next());
    todo!()
}

/// The methods of an API, by path.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    methods: Vec<Method>,
}

/// The method that answers a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched<'a> {
    /// Where it stands among those given to [`Routes::new`].
    pub index: usize,
    /// It.
    pub method: &'a Method,
    /// What stands at `{id}` and `{proxy+}`, in the path's order, not decoded.
    pub path_parameters: Vec<(&'a str, String)>,
}

impl Routes {
    /// Compiles what an API declares. Of two of the same method and path the later holds.
    #[must_use]
    pub fn new(methods: Vec<Method>) -> Self {
        Self { methods }
    }

    /// The method that answers; none: [`FaultKind::MissingAuthenticationToken`](super::FaultKind::MissingAuthenticationToken).
    ///
    /// `path` is [`StagePath::inner`].
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        let _ = (&self.methods, method, path);
        todo!()
    }
}
