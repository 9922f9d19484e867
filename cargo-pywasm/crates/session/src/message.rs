//! The JSON messages of `--message-format json`.

use serde::Serialize;

/// The version of the message format: the value of `"version"` in every message.
const VERSION: u32 = 1;

/// A message that is printed as a JSON object. The object contains the fields of the type and a
/// `"reason"`, which identifies the kind of message.
pub trait Message: Serialize {
    /// The value of `"reason"`, in kebab-case. It never changes.
    const REASON: &'static str;
}

#[derive(Serialize)]
struct Envelope<'a, M> {
    version: u32,
    reason: &'static str,
    #[serde(flatten)]
    message: &'a M,
}

/// Returns a message as one line of JSON.
pub(crate) fn line<M: Message>(message: &M) -> serde_json::Result<String> {
    serde_json::to_string(&Envelope { version: VERSION, reason: M::REASON, message })
}

macro_rules! messages {
    ($($name:ident = $reason:literal { $($field:ident: $kind:ty),* })*) => {$(
        #[derive(Serialize)]
        pub(crate) struct $name<'a> { $(pub(crate) $field: $kind),* }
        impl Message for $name<'_> { const REASON: &'static str = $reason; }
    )*};
}

messages! {
    StatusMessage = "status" { verb: &'a str, text: &'a str }
    NoteMessage = "note" { level: &'a str, text: &'a str }
    ErrorMessage = "error" { error: &'a [String], hint: Option<&'a str> }
}
