//! The server over real sockets, with clients that write bytes.

mod bodies;
mod connections;
mod malformed;
mod server;
mod streams;
