//! Whose each function is.

use std::collections::HashMap;

use super::map::Function;
use super::{Evidence, Kind, origin};

/// Whose each function is, by the link map, by its name, or by archives.
pub(super) struct Whose<'w> {
    evidence: &'w Evidence<'w>,
    /// The object of each function, where the module is as the linker wrote it.
    in_order: bool,
    /// The functions of the map by name: several objects may have one each.
    by_name: HashMap<&'w str, Vec<u32>>,
}

impl<'w> Whose<'w> {
    pub(super) fn new(names: &[&str], imported: u32, evidence: &'w Evidence<'w>) -> Self {
        let functions = evidence.map.map_or(&[][..], |map| &map.functions);
        let defined = names.get(imported as usize..).unwrap_or_default();
        // Exported constructors have a suffix in the one and none in the other.
        let same = |(name, function): (&&str, &Function<'_>)| *name == function.name;
        let in_order = !functions.is_empty()
            && defined.len() == functions.len()
            && defined.iter().zip(functions).filter(|it| same((it.0, it.1))).count() * 10
                >= functions.len() * 9;
        let mut by_name: HashMap<&str, Vec<u32>> = HashMap::new();
        if !in_order {
            for (number, function) in (0..).zip(functions) {
                by_name.entry(function.name).or_default().push(number);
            }
        }
        Self { evidence, in_order, by_name }
    }

    /// What it is, whose, and its object where that is known. `number` is its place in the code section.
    pub(super) fn function(&self, number: u32, name: &str, bytes: u64) -> (Kind, String, String) {
        let known = self.path(number, name, bytes).map(origin::of_object);
        if let Some(krate) = origin::of_rust(name) {
            return (Kind::Rust, krate, known.map(|it| it.2).unwrap_or_default());
        }
        if let Some(known) = known {
            return known;
        }
        let member = || self.evidence.members.and_then(|it| it.of(plain(name)));
        if let Some(member) = (!name.is_empty()).then(member).flatten() {
            return (Kind::C, member.to_owned(), member.to_owned());
        }
        let (kind, origin) = origin::of_name(name);
        (kind, origin, String::new())
    }

    fn path(&self, number: u32, name: &str, bytes: u64) -> Option<&'w str> {
        let map = self.evidence.map?;
        let object = |of: &Function<'_>| map.objects.get(of.object as usize).copied();
        if self.in_order {
            return map.functions.get(number as usize).and_then(object);
        }
        let known = self.by_name.get(name).or_else(|| self.by_name.get(plain(name)))?;
        let found = |number: &u32| map.functions.get(*number as usize);
        let mut all = known.iter().filter_map(found);
        let first = all.next()?;
        if all.all(|it| it.object == first.object) {
            return object(first);
        }
        // Several objects have one of this name: it is that of the same size, if one is.
        let mut same = known.iter().filter_map(found).filter(|it| u64::from(it.size) == bytes);
        let one = same.next()?;
        same.next().is_none().then(|| object(one)).flatten()
    }
}

/// What optimizers put behind a name that is there twice: `null_error.1`.
fn plain(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((plain, number)) if number.bytes().all(|it| it.is_ascii_digit()) => plain,
        _ => name,
    }
}
