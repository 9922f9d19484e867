//! Findings of an audit.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::origin::Origin;

/// The kind of a finding. The names of the kinds never change and are documented in
/// `docs/guide/audit.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// An undefined function.
    UndefinedFunction,
    /// An undefined variable.
    UndefinedData,
    /// A symbol that objects declare with different types.
    TypeConflict,
    /// An import that the host does not provide.
    ImportUnknown,
    /// Imports of an ABI that the policy does not describe.
    ImportAbi,
    /// An import that the policy denies.
    ImportDenied,
    /// An import whose type differs from the host's.
    ImportType,
    /// An imported memory, table, global or tag that the host does not provide.
    ImportKind,
    /// A missing export that the host requires.
    ExportMissing,
    /// An export whose type is not the one that the host requires.
    ExportType,
    /// An export with a name that the host rejects or reserves.
    ExportUnknown,
    /// Two methods with the same name.
    ExportDuplicate,
    /// An export that runs constructors and destructors on each call.
    ExportCommand,
    /// A value above the host's limit.
    Limit,
    /// A WebAssembly proposal that the host does not support.
    Feature,
    /// A function that the start function calls although the host forbids the call.
    StartCalls,
    /// A data segment with a computed offset.
    SegmentPlace,
    /// A custom section with a name that the host rejects.
    SectionName,
    /// An `allow` pattern that matches no import.
    AllowUnused,
}

impl Code {
    /// All codes, the most severe first.
    pub const ALL: [Self; 19] = [
        Self::UndefinedFunction,
        Self::UndefinedData,
        Self::TypeConflict,
        Self::ImportUnknown,
        Self::ImportAbi,
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

    /// Returns the code's description, for reports that list all codes.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::UndefinedFunction => "An undefined function",
            Self::UndefinedData => "An undefined variable, whose address would be 0",
            Self::TypeConflict => {
                "A symbol that objects declare with different types; calls to it trap"
            }
            Self::ImportUnknown => "An import that the host does not provide",
            Self::ImportAbi => "Imports of an ABI that the policy does not describe",
            Self::ImportDenied => "An import that the policy denies",
            Self::ImportType => "An import whose type differs from the host's",
            Self::ImportKind => {
                "An imported memory, table, global or tag that the host does not provide"
            }
            Self::ExportMissing => "A missing export that the host requires",
            Self::ExportType => "An export whose type is not the one that the host requires",
            Self::ExportUnknown => "An export with a name that the host rejects",
            Self::ExportDuplicate => "Two methods with the same name",
            Self::ExportCommand => "An export that runs constructors and destructors on each call",
            Self::Limit => "A value above the host's limit",
            Self::Feature => "A WebAssembly proposal that the host does not support",
            Self::StartCalls => {
                "A function that the start function calls although the host forbids the call"
            }
            Self::SegmentPlace => "A data segment with a computed offset",
            Self::SectionName => "A custom section with a name that the host rejects",
            Self::AllowUnused => "An `allow` pattern that matches no import",
        }
    }

    /// Returns true for codes that are errors (the module fails or misbehaves), and false for
    /// warnings.
    #[must_use]
    pub fn is_error(self) -> bool {
        !matches!(self, Self::ExportCommand | Self::AllowUnused)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Text and serialized findings use the same names for codes.
        self.serialize(f)
    }
}

/// One violation of a policy, or one undefined symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The kind of finding.
    pub code: Code,
    /// The subject, such as the import `env.mpd_add`, the export `canister_foo` or the limit
    /// `functions`.
    pub subject: String,
    /// The type of the subject, if it has one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub ty: Option<String>,
    /// The description of the problem.
    pub message: String,
    /// The reasons why the subject is needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needed_by: Vec<Origin>,
    /// The symbol's family, or the name of the wasm module that an import comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The Python modules that need the subject.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub python: Vec<String>,
    /// For a value above its limit, the largest contributors, each as text: `812 functions, 204800
    /// bytes: crate core`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Possible fixes, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cures: Vec<String>,
}

impl Finding {
    /// Creates a finding without origins or cures.
    pub(crate) fn new(code: Code, subject: impl Into<String>, message: impl Into<String>) -> Self {
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

    pub(crate) fn of_type(mut self, ty: impl fmt::Display) -> Self {
        self.ty = Some(ty.to_string());
        self
    }

    pub(crate) fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cures.push(cure.into());
        self
    }
}
