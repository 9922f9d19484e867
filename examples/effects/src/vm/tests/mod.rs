//! Tests the VM with programs in the mock language.

mod endings;
mod handlers;
mod programs;
mod races;
mod tasks;
