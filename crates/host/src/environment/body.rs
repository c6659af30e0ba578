//! What is behind a Runtime API: a process of ours with its group, or one that
//! somebody else starts and ends.

use crate::guard::Group;
use crate::launch::Launch;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::{Child, ChildStdin};

/// None: it is somebody else's.
pub(super) struct Body(Option<Own>);

struct Own {
    child: Child,
    group: Group,
    /// Its other end is the process's; see [`Launch::spawn`].
    _lifeline: Option<ChildStdin>,
}

impl Body {
    pub(super) fn start(launch: &Launch, runtime_api: &str) -> std::io::Result<Self> {
        let group = Group::new(runtime_api)?;
        let mut child = launch.spawn(runtime_api, &group)?;
        // Whoever waits for the child would close it.
        let lifeline = child.stdin.take();
        Ok(Self(Some(Own {
            child,
            group,
            _lifeline: lifeline,
        })))
    }

    pub(super) fn somebody_elses() -> Self {
        Self(None)
    }

    pub(super) fn child(&mut self) -> Option<&mut Child> {
        self.0.as_mut().map(|it| &mut it.child)
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.0.as_ref()?.child.id()
    }

    /// Waits for its end. Nobody tells of somebody else's.
    pub(super) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        match &mut self.0 {
            Some(own) => own.child.wait().await,
            None => std::future::pending().await,
        }
    }

    /// Whether it runs, be it frozen; somebody else's may come at any time.
    pub(super) fn is_alive(&mut self) -> bool {
        match &mut self.0 {
            Some(own) => matches!(own.child.try_wait(), Ok(None)),
            None => true,
        }
    }

    pub(super) fn freeze(&self) {
        if let Some(own) = &self.0 {
            own.group.freeze();
        }
    }

    pub(super) fn thaw(&self) {
        if let Some(own) = &self.0 {
            own.group.thaw();
        }
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.0.as_ref().is_some_and(|it| it.group.is_frozen())
    }

    /// Ends it and its children: at once, or with this much grace.
    pub(super) async fn end(&mut self, grace: Option<Duration>) {
        let Some(own) = &mut self.0 else { return };
        if let Some(grace) = grace {
            own.group.thaw();
            own.group.terminate();
            let _ = tokio::time::timeout(grace, own.child.wait()).await;
        }
        own.group.kill();
        let _ = own.child.kill().await;
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(own) = &self.0 {
            own.group.kill();
        }
    }
}
