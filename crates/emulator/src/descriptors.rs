//! File descriptors: each WebSocket is one, and a shell gives 1,024.

/// So many connections fit beside everything else without asking.
const FEW: usize = 512;

/// Sees to it that there is room for many connections, once there are some.
/// Functions that were started before keep the usual limit.
pub(crate) fn make_room(connections: usize) {
    static RAISED: std::sync::Once = std::sync::Once::new();
    if connections > FEW {
        RAISED.call_once(raise);
    }
}

#[cfg(unix)]
fn raise() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    /// Some systems call their limit infinite and refuse to set it so.
    const MANY: u64 = 65_536;
    let mut limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.map_or(MANY, |it| it.min(MANY));
    if limit.current.is_some_and(|it| it < allowed) {
        limit.current = Some(allowed);
        // What cannot be raised stays; who comes too late then is not let in.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

#[cfg(not(unix))]
fn raise() {}
