//! For modules without a linker map, finds the archive members that define their functions.

use std::collections::HashMap;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::Object;

/// The functions that archives define, by name.
#[derive(Clone, Debug, Default)]
pub struct Members {
    objects: Vec<Object>,
    /// For each function name, the index of the object that defines the function, or `None` if
    /// several objects define it.
    functions: HashMap<String, Option<u32>>,
}

impl Members {
    /// Adds an archive. `name` is its file name.
    ///
    /// # Errors
    /// When the archive is malformed.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut last = String::new();
        pywasm_stubs::defined_functions(name, bytes, |member, function| {
            if last != member || self.objects.is_empty() {
                last = member.to_owned();
                self.objects
                    .push(Object { archive: Some(name.to_owned()), name: member.to_owned() });
            }
            let object = u32::try_from(self.objects.len() - 1).ok();
            self.functions
                .entry(function.to_owned())
                .and_modify(|known| *known = known.filter(|it| Some(*it) == object))
                .or_insert(object);
        })?;
        Ok(())
    }

    /// Reads the archives of an installation: libpython and the libraries linked with it.
    ///
    /// # Errors
    /// When an archive cannot be read.
    pub fn of_installation(root: &Utf8Path) -> anyhow::Result<Self> {
        let mut archives = Vec::new();
        for dir in ["lib", "lib/wasi-libc"] {
            let Ok(entries) = root.join(dir).read_dir_utf8() else { continue };
            let files = entries.filter_map(Result::ok).map(camino::Utf8DirEntry::into_path);
            archives.extend(files.filter(|it| it.extension() == Some("a")));
        }
        archives.sort();
        Self::of_files(&archives)
    }

    /// Reads archives.
    ///
    /// # Errors
    /// When an archive cannot be read.
    pub fn of_files(archives: &[Utf8PathBuf]) -> anyhow::Result<Self> {
        let mut members = Self::default();
        for path in archives {
            let name = path.file_name().unwrap_or(path.as_str());
            members.add(name, &fs_err::read(path)?).with_context(|| format!("archive `{path}`"))?;
        }
        Ok(members)
    }

    /// Returns the object that defines a function, or `None` if no object or several objects define
    /// it.
    pub(super) fn of(&self, function: &str) -> Option<&Object> {
        let object = (*self.functions.get(function)?)?;
        self.objects.get(object as usize)
    }
}

#[cfg(test)]
mod tests {
    use pywasm_stubs::{Binding, Code, Member, Writer};

    use super::*;

    #[test]
    fn function_of_two_objects_has_none() {
        let object = |names: &[&str]| {
            let mut writer = Writer::new();
            for name in names {
                writer.function(name, Binding::Global, &[], &[], Code::new());
            }
            writer.finish()
        };
        let member =
            |name: &str, names: &[&str]| Member { name: name.to_owned(), bytes: object(names) };
        let archive = pywasm_stubs::archive(&[
            member("call.o", &["PyObject_Call", "null_error"]),
            member("list.o", &["list_sort", "null_error"]),
        ]);
        let mut members = Members::default();
        members.add("libpython3.13.a", &archive).unwrap();
        let of = |name: &str| members.of(name).map(ToString::to_string);
        assert_eq!(of("PyObject_Call").as_deref(), Some("libpython3.13.a(call.o)"));
        assert_eq!(of("list_sort").as_deref(), Some("libpython3.13.a(list.o)"));
        assert_eq!((of("null_error"), of("other")), (None, None));
    }
}
