//! Carries messages: the receiver's WebSocket, and posts to a connection.

mod post;
mod socket;

pub use post::{Posted, Poster};
pub use socket::{ConnectError, Incoming, Socket, SocketSender, Target};
