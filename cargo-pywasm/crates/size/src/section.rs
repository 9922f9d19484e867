//! The sections of a module.

use std::fmt;
use std::str::FromStr;

use pywasm_wasm::custom::is_for_debuggers;

/// A part of the file: the header or a section.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// The magic number and the version.
    FileHeader,
    /// A section defined in the core specification, by its id.
    Core(u8),
    /// A custom section, by its name.
    Custom(String),
}

/// The names of sections in the core specification, by id. Custom sections have id 0.
const NAMES: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];

const FILE_HEADER: &str = "file header";
/// The text for the file header in records that were written before version 0.1.
const OLD_FILE_HEADER: &str = "head of the file";

impl Section {
    /// The code section.
    pub const CODE: Self = Self::Core(10);
    /// The data section.
    pub const DATA: Self = Self::Core(11);

    /// Returns true if only debuggers and build tools read the section.
    #[must_use]
    pub fn is_for_debuggers(&self) -> bool {
        matches!(self, Self::Custom(name) if is_for_debuggers(name))
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileHeader => f.write_str(FILE_HEADER),
            Self::Core(id) => match NAMES.get(usize::from(*id)) {
                Some(name) => f.write_str(name),
                None => write!(f, "section {id}"),
            },
            Self::Custom(name) => write!(f, "custom section `{name}`"),
        }
    }
}

impl FromStr for Section {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if [FILE_HEADER, OLD_FILE_HEADER].contains(&text) {
            return Ok(Self::FileHeader);
        }
        if let Some(id) = (0..).zip(NAMES).find_map(|(id, name)| (name == text).then_some(id)) {
            return Ok(Self::Core(id));
        }
        let custom = text.strip_prefix("custom section `").and_then(|it| it.strip_suffix('`'));
        if let Some(name) = custom {
            return Ok(Self::Custom(name.to_owned()));
        }
        let number = text.strip_prefix("section ").and_then(|it| it.parse().ok());
        number.map(Self::Core).ok_or_else(|| format!("`{text}` is not a section"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_is_read_as_it_is_written() {
        let custom = ["name", "", "a `quoted` name"].map(|name| Section::Custom(name.to_owned()));
        for section in (0..=20).map(Section::Core).chain(custom).chain([Section::FileHeader]) {
            assert_eq!(section.to_string().parse(), Ok(section));
        }
        assert_eq!(OLD_FILE_HEADER.parse(), Ok(Section::FileHeader));
        assert_eq!("code".parse(), Ok(Section::CODE));
        assert_eq!("data".parse(), Ok(Section::DATA));
        assert!("nothing".parse::<Section>().is_err());
    }
}
