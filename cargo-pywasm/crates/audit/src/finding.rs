//! What an audit finds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong. The names are permanent; `docs/guide/audit.md` explains each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A function that nothing in the link defines.
    UndefinedFunction,
    /// A variable that nothing in the link defines.
    UndefinedData,
    /// One name that is meant as functions of different types.
    TypeConflict,
    /// An import that the host has not.
    ImportUnknown,
    /// An import that the policy denies.
    ImportDenied,
    /// An import that the host has, of another type.
    ImportType,
    /// A memory, table, global or tag that the host does not give.
    ImportKind,
    /// A required export that is not there.
    ExportMissing,
    /// An export of another type than it has to be.
    ExportType,
    /// An export with a name that the host does not know, or keeps for itself.
    ExportUnknown,
    /// Two methods of one name.
    ExportDuplicate,
    /// An export that runs constructors and destructors around each call.
    ExportCommand,
    /// Something that is larger than the host takes.
    Limit,
    /// A proposal that the host has not.
    Feature,
    /// The start function reaches a function that it may not call.
    StartCalls,
    /// A data segment whose place is not a constant.
    SegmentPlace,
    /// A custom section with a name that the host rejects.
    SectionName,
    /// An entry of the policy that matches nothing.
    AllowUnused,
}

impl Code {
    /// All, in the order of their weight.
    pub const ALL: [Self; 18] = [
        Self::UndefinedFunction,
        Self::UndefinedData,
        Self::TypeConflict,
        Self::ImportUnknown,
        Self::ImportDenied,
        Self::ImportType,
        Self::ImportKind,
        Self::ExportMissing,
        Self::ExportType,
        Self::ExportUnknown,
        Self::ExportDuplicate,
        Self::ExportCommand,
        Self::Limit,
        Self::Feature,
        Self::StartCalls,
        Self::SegmentPlace,
        Self::SectionName,
        Self::AllowUnused,
    ];

    /// One sentence, for reports that list what can be found.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::UndefinedFunction => "A function that nothing in the link defines",
            Self::UndefinedData => {
                "A variable that nothing in the link defines: its address would be 0"
            }
            Self::TypeConflict => "One name for functions of different types: calls trap",
            Self::ImportUnknown => "An import that the host does not have",
            Self::ImportDenied => "An import that the policy denies",
            Self::ImportType => "An import of another type than the host's",
            Self::ImportKind => "A memory, table, global or tag that the host does not give",
            Self::ExportMissing => "A required export is missing",
            Self::ExportType => "An export of another type than it has to be",
            Self::ExportUnknown => "An export with a name that the host rejects",
            Self::ExportDuplicate => "Two methods of one name",
            Self::ExportCommand => "Constructors and destructors run around each call of an export",
            Self::Limit => "Larger than the host takes",
            Self::Feature => "A proposal that the host does not have",
            Self::StartCalls => "The start function reaches what it may not call",
            Self::SegmentPlace => "A data segment whose place is not a constant",
            Self::SectionName => "A custom section with a name that the host rejects",
            Self::AllowUnused => "An entry of the policy that matches nothing",
        }
    }

    /// Whether a module with it fails or misbehaves, rather than being untidy.
    #[must_use]
    pub fn is_error(self) -> bool {
        !matches!(self, Self::ExportCommand | Self::AllowUnused)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One spelling: serde's.
        self.serialize(f)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// What it is about: `env.mpd_add`, `canister_foo`, `functions`.
    pub subject: String,
    /// The type of the subject, where it has one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// Where it comes from: `PyInit__decimal > dec_init > mpd_init`, `libpython3.13.a(_decimal.o)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needed_by: Vec<String>,
    /// The family of the symbol, or the module that an import is asked of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The modules of Python that it belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub python: Vec<String>,
    /// What there is most of, where there is too much: `812 functions, 204800 bytes: crate core`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to do, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cures: Vec<String>,
}

impl Finding {
    /// One without origin and cure.
    pub(super) fn new(code: Code, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            subject: subject.into(),
            ty: None,
            message: message.into(),
            needed_by: Vec::new(),
            family: None,
            python: Vec::new(),
            notes: Vec::new(),
            cures: Vec::new(),
        }
    }

    pub(super) fn of_type(mut self, ty: impl fmt::Display) -> Self {
        self.ty = Some(ty.to_string());
        self
    }

    pub(super) fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cures.push(cure.into());
        self
    }
}
