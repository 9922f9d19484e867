//! The VM, with programs of the mock language.

mod endings;
mod handlers;
mod programs;
mod races;
mod tasks;
