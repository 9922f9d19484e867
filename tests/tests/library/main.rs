//! Tests the library of the tool, without its command line: hostile input, faulty networks,
//! properties.

#![allow(clippy::unwrap_used, reason = "a test helper fails like a test")]

mod apt;
mod architecture;
mod audit;
mod fetch;
mod links;
mod properties;
mod template;
mod toolchain;
mod unpack;
