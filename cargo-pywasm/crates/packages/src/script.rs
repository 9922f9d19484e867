//! The requirements that a script lists in a comment.
//!
//! Source: <https://packaging.python.org/en/latest/specifications/inline-script-metadata/> (PEP 723).

use std::str::FromStr;

use anyhow::Context;
use pep508_rs::pep440_rs::{Version, VersionSpecifiers};
use pywasm_recipes::PatchVersion;
use serde::Deserialize;

/// The metadata of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Script {
    /// The requirements.
    #[serde(default)]
    pub dependencies: Vec<String>,
    requires_python: Option<String>,
}

impl Script {
    /// Reads the metadata in the source of a script. Without a comment with metadata, the script has
    /// no requirements.
    ///
    /// # Errors
    /// When the metadata is not valid, or is there twice.
    pub fn parse(source: &str) -> anyhow::Result<Self> {
        let mut blocks = Vec::new();
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            if line.trim_end() != "# /// script" {
                continue;
            }
            let comments = lines.clone().take_while(|line| *line == "#" || line.starts_with("# "));
            let comments: Vec<&str> = comments.collect();
            // The block ends at the last such line, because the content may contain others.
            let Some(end) = comments.iter().rposition(|line| line.trim_end() == "# ///") else {
                continue;
            };
            let content = comments[..end].iter();
            let content = content.map(|line| line.strip_prefix("# ").unwrap_or_default());
            blocks.push(content.collect::<Vec<_>>().join("\n"));
            lines.nth(end);
        }
        match &blocks[..] {
            [] => Ok(Self::default()),
            [block] => toml::from_str(block).context("the script's metadata is not valid TOML"),
            _ => anyhow::bail!("the script contains two blocks of metadata"),
        }
    }

    /// Checks that the script is for this version of Python.
    ///
    /// # Errors
    /// When it is not, or the version in the metadata is not valid.
    pub fn check_python(&self, python: PatchVersion) -> anyhow::Result<()> {
        let Some(text) = &self.requires_python else { return Ok(()) };
        let wanted = VersionSpecifiers::from_str(text)
            .map_err(|error| anyhow::anyhow!("`requires-python` of the script: {error}"))?;
        let version = Version::from_str(&python.to_string());
        let version = version.map_err(|error| anyhow::anyhow!("{error}"))?;
        anyhow::ensure!(
            wanted.contains(&version),
            "the script needs Python {text}, but Python {python} is selected"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_lists_the_requirements() {
        let source = "#!/usr/bin/env python\n# /// script\n# requires-python = \">=3.13\"\n\
                      # dependencies = [\n#     \"rich\",\n#\n#     \"click>=8\",\n# ]\n# ///\nimport rich\n";
        let script = Script::parse(source).unwrap();
        assert_eq!(script.dependencies, ["rich", "click>=8"]);
        script.check_python("3.13.5".parse().unwrap()).unwrap();
        let old = Script { requires_python: Some(">=3.14".to_owned()), ..script };
        let error = old.check_python("3.13.5".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(">=3.14") && error.contains("3.13.5"), "{error}");
    }

    #[test]
    fn other_comments_are_ignored() {
        for source in
            ["import x\n", "# /// script\n# x = 1\nimport x\n", "# /// other\n# a\n# ///\n"]
        {
            assert_eq!(Script::parse(source).unwrap(), Script::default(), "{source}");
        }
    }

    #[test]
    fn invalid_metadata_is_refused() {
        let block = "# /// script\n# dependencies = []\n# ///\n";
        assert!(Script::parse(&format!("{block}\n{block}")).is_err());
        assert!(Script::parse("# /// script\n# dependencies = 3\n# ///\n").is_err());
    }
}
