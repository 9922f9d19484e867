//! One file per subcommand: its arguments, and `run`.

pub mod recipe;
