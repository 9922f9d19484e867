//! The embedded files that a program never opens.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytesize::ByteSize;
use camino::Utf8Path;
use pywasm_cpython::freeze::PACKAGES;
use pywasm_session::Message;
use pywasm_store::Ctx;
use pywasm_wasm::embedded::{self, File};
use serde::Serialize;

/// The maximum number of groups in the report.
const MAX_GROUPS: usize = 20;
/// The maximum number of patterns in the hint.
const MAX_PATTERNS: usize = 3;

/// All embedded files, for scripts.
#[derive(Serialize)]
struct FilesMessage<'a> {
    files: Vec<FileMessage<'a>>,
}

#[derive(Serialize)]
struct FileMessage<'a> {
    path: &'a str,
    size: u32,
    opened: bool,
}

impl Message for FilesMessage<'_> {
    const REASON: &'static str = "embedded-files";
}

/// A number of files and their size in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Total {
    size: u64,
    files: usize,
}

impl Total {
    fn of<'a>(files: impl IntoIterator<Item = &'a File>) -> Self {
        let mut total = Self::default();
        for file in files {
            total.size += u64::from(file.size);
            total.files += 1;
        }
        total
    }

    fn bytes(self) -> String {
        ByteSize::b(self.size).display().si().to_string()
    }
}

/// The place of unopened files in `/pywasm`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// All files of a directory.
    Whole(String),
    /// Some files of a directory.
    Part(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(dir) => write!(f, "{dir}/*"),
            Self::Part(dir) if dir.is_empty() => f.write_str("modules without a directory"),
            Self::Part(dir) => write!(f, "some files of {dir}"),
        }
    }
}

/// Reports which embedded files a program never opened. `memory` is its memory at the end, if it is
/// known.
pub(super) fn report(memory: Option<&[u8]>, ctx: &Ctx) {
    let Some(memory) = memory else {
        ctx.reporter.warn("the files that the program opened are unknown, because it was stopped");
        return;
    };
    let files = embedded::find(0, memory).map_or_else(Vec::new, |(_, found)| found.files);
    if ctx.reporter.is_json() {
        let files = files.iter().map(|file| FileMessage {
            path: &file.path,
            size: file.size,
            opened: file.opened,
        });
        ctx.reporter.json(&FilesMessage { files: files.collect() });
    } else if files.is_empty() {
        ctx.reporter.note("the module contains no embedded files");
    } else {
        ctx.reporter.note(text(&files));
    }
}

fn text(files: &[File]) -> String {
    let (all, opened) = (Total::of(files), Total::of(files.iter().filter(|file| file.opened)));
    let mut lines = vec![format!(
        "the program opened {} of {} embedded files ({} of {})",
        opened.files,
        all.files,
        opened.bytes(),
        all.bytes()
    )];
    // `snapshot --with` embeds packages in `site-packages`, the directory of other interpreters.
    let is_own =
        |file: &&File| file.split().0 == PACKAGES || file.split().0.ends_with("/site-packages");
    let library = Total::of(files.iter().filter(|file| !file.opened && !is_own(file)));
    let groups = groups(files.iter().filter(is_own));
    if !groups.is_empty() || library.files > 0 {
        lines.push("never opened:".to_owned());
    }
    let line = |total: Total, place: &str| {
        let files = if total.files == 1 { "file" } else { "files" };
        format!("{:>10} {:>6} {files:<5}  {place}", total.bytes(), total.files)
    };
    let shown = groups.iter().take(MAX_GROUPS);
    lines.extend(shown.map(|(total, place)| line(*total, &place.to_string())));
    if groups.len() > MAX_GROUPS {
        lines.push(format!("{:>24}… and {} more", "", groups.len() - MAX_GROUPS));
    }
    if library.files > 0 {
        lines.push(line(library, "the standard library"));
    }
    let patterns: Vec<String> = groups.iter().filter_map(|(_, place)| pattern(place)).collect();
    if !patterns.is_empty() && files.iter().any(|file| file.split().0 == PACKAGES) {
        let shown = &patterns[..patterns.len().min(MAX_PATTERNS)];
        lines.push(format!("if no run needs them, leave files out with `exclude = {shown:?}`"));
    }
    lines.join("\n")
}

/// Returns the pattern for `exclude` that leaves out a whole directory. Metadata is small, and programs
/// may ask for it, so there is no pattern for it.
fn pattern(place: &Place) -> Option<String> {
    match place {
        Place::Whole(dir) if !dir.ends_with(".dist-info") => Some(place.to_string()),
        _ => None,
    }
}

/// Groups the unopened files by their directories, largest first. A group contains a directory and its
/// subdirectories if none of their files was opened.
fn groups<'a>(files: impl Iterator<Item = &'a File> + Clone) -> Vec<(Total, Place)> {
    let dirs = |file: &'a File| {
        let ancestors = Utf8Path::new(file.split().1).ancestors().skip(1);
        ancestors.map(Utf8Path::as_str).filter(|dir| !dir.is_empty())
    };
    let used: BTreeSet<&str> = files.clone().filter(|file| file.opened).flat_map(dirs).collect();
    let mut groups: BTreeMap<Place, Vec<&File>> = BTreeMap::new();
    for file in files.filter(|file| !file.opened) {
        // The ancestors begin with the innermost directory.
        let unused = dirs(file).filter(|dir| !used.contains(dir)).last();
        let parent = dirs(file).next().unwrap_or_default();
        let place =
            unused.map_or(Place::Part(parent.to_owned()), |dir| Place::Whole(dir.to_owned()));
        groups.entry(place).or_default().push(file);
    }
    let totals = groups.into_iter().map(|(place, files)| (Total::of(files), place));
    let mut totals: Vec<_> = totals.collect();
    totals.sort_by(|(a, first), (b, second)| b.cmp(a).then_with(|| first.cmp(second)));
    totals
}

#[cfg(test)]
mod tests {
    use pywasm_cpython::freeze::Embedded;

    use super::*;

    /// Returns files, and marks those whose content is "opened".
    fn files(list: &[(&str, &str)]) -> Vec<File> {
        let mut embedded = Embedded::default();
        for (path, content) in list {
            let (dir, path) = match path.strip_prefix("library/") {
                Some(path) => ("/usr/lib", path),
                None => (PACKAGES, *path),
            };
            embedded.add(dir, Utf8Path::new(path), content.as_bytes().to_vec()).unwrap();
        }
        let bytes = embedded.to_bytes();
        let mut found = embedded::find(0, &bytes).unwrap().1.files;
        for file in &mut found {
            file.opened = bytes[file.start as usize..].starts_with(b"opened");
        }
        found
    }

    #[test]
    fn unopened_files_are_grouped_by_directory() {
        let text = text(&files(&[
            ("app.pyc", "opened"),
            ("babel/core.pyc", "opened"),
            ("babel/global.dat", "12345"),
            ("babel/locale/de.dat", "1234567"),
            ("babel/locale/more/en.dat", "123"),
            ("babel-1.dist-info/METADATA", "1"),
            ("library/ast.pyc", "1234"),
            ("library/os.pyc", "opened"),
            ("other.pyc", "12"),
        ]));
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "the program opened 3 of 9 embedded files (18 B of 40 B)",
                "never opened:",
                "      10 B      2 files  babel/locale/*",
                "       5 B      1 file   some files of babel",
                "       2 B      1 file   modules without a directory",
                "       1 B      1 file   babel-1.dist-info/*",
                "       4 B      1 file   the standard library",
                "if no run needs them, leave files out with `exclude = [\"babel/locale/*\"]`",
            ]
        );
    }

    #[test]
    fn long_reports_are_cut_off() {
        let list: Vec<(String, &str)> =
            (0..MAX_GROUPS + 2).map(|n| (format!("p{n}/a.pyc"), "1")).collect();
        let list: Vec<(&str, &str)> =
            list.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let text = text(&files(&list));
        assert_eq!(text.lines().filter(|line| line.contains("/*")).count(), MAX_GROUPS + 1);
        assert!(text.contains("… and 2 more\n") && !text.contains("library"), "{text}");
    }

    #[test]
    fn nothing_is_suggested_if_all_files_were_opened() {
        let text = text(&files(&[("app.pyc", "opened")]));
        assert_eq!(text, "the program opened 1 of 1 embedded files (6 B of 6 B)");
    }
}
