//! Tests the tool's library, without its command line, with hostile input, faulty networks and
//! property tests.

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
mod wheels;
