//! What the machine's archives have for a toolchain: asks their signed indexes, takes nothing.

use std::time::SystemTime;

use anyhow::Context;

use crate::apt::{
    self, LlvmPackages, Package, Release, Source, SuitePackages, choose_libc, choose_llvm, packages,
};
use pywasm_session::{cause_of, one_line};
use pywasm_store::Ctx;
use pywasm_store::fetch::FetchError;

/// Whose packages are known to be what their names say, and the suites of the same archive, by
/// their roles, that are asked for wasi-libc when the machine's own are too old for it: it is
/// for wasm, so it is the same on every release. Nearest first: CPython is tested with the SDK
/// of its time.
const ORIGINS: [(&str, &[&str]); 2] = [("Debian", &["stable", "testing"]), ("Ubuntu", &["devel"])];

/// The packages for this architecture: LLVM from the machine's own suites, for it has to run
/// with their libraries, and wasi-libc from those or from other suites of the same archives.
///
/// # Errors
/// When the machine has no such archives, they lack something, or an index is not what its
/// signed release says.
pub(super) fn choose(architecture: &str, ctx: &Ctx) -> anyhow::Result<(LlvmPackages, Package)> {
    let mut sources = apt::sources(ctx)?;
    sources.retain(|source| source.serves(architecture));
    anyhow::ensure!(!sources.is_empty(), "this machine has no apt package sources");
    // Third parties are only asked where the distribution does not do: some mirror it with a
    // key of their own.
    let (own, others): (Vec<Source>, Vec<Source>) =
        sources.into_iter().partition(|source| source.keyring.is_distribution());
    let mut survey = Survey::new(architecture, &apt::is_candidate, ctx);
    for group in [own, others] {
        for source in group {
            survey.add(source)?;
        }
        if let Some(llvm) = choose_llvm(&survey.found)
            && let Some(libc) = survey.libc()?
        {
            return Ok((llvm, libc));
        }
    }
    choose_llvm(&survey.found)
        .with_context(|| survey.lacking("whole LLVM with a runtime for wasm32"))?;
    anyhow::bail!("{}", survey.lacking("wasi-libc of 2024 or later"))
}

/// The newest program that a suite of the machine's own archives has with all it runs with. It brings
/// the C library it was linked with, so it need not be that of the machine. `what` is for the error.
///
/// # Errors
/// When the machine has no such archives, they lack something, or an index is not what its
/// signed release says.
pub(super) fn choose_newest(
    what: &str,
    wanted: &dyn Fn(&str) -> bool,
    choose: fn(&[Package]) -> Option<SuitePackages>,
    ctx: &Ctx,
) -> anyhow::Result<SuitePackages> {
    let architecture = architecture()?;
    let mut sources = apt::sources(ctx)?;
    sources.retain(|source| source.serves(architecture) && source.keyring.is_distribution());
    let mut survey = Survey::new(architecture, wanted, ctx);
    let mut suites: Vec<Vec<Package>> = Vec::new();
    let mut archives: Vec<String> = Vec::new();
    for source in sources {
        let Some((packages, roles)) = survey.suite(&source, &[architecture])? else { continue };
        suites.push(packages);
        if source.suite.contains('-') || archives.contains(&source.uri) {
            continue;
        }
        archives.push(source.uri.clone());
        for role in roles {
            if let Some((packages, _)) = survey.suite(&source.other_suite(role), &[architecture])? {
                suites.push(packages);
            }
        }
    }
    let found = suites.iter().filter_map(|packages| choose(packages)).max();
    found.with_context(|| survey.lacking(what))
}

/// Debian's name of this machine's architecture.
///
/// # Errors
/// When no packages are known for it.
pub(super) fn architecture() -> anyhow::Result<&'static str> {
    apt::architecture()
        .with_context(|| format!("no packages are known for {}", std::env::consts::ARCH))
}

/// What was seen so far.
struct Survey<'a> {
    architecture: &'a str,
    wanted: &'a dyn Fn(&str) -> bool,
    ctx: &'a Ctx,
    found: Vec<Package>,
    /// One suite of each archive that can be used, with the roles to ask for.
    archives: Vec<(Source, &'static [&'static str])>,
    left_out: Vec<String>,
}

impl<'a> Survey<'a> {
    fn new(architecture: &'a str, wanted: &'a dyn Fn(&str) -> bool, ctx: &'a Ctx) -> Self {
        let (found, archives, left_out) = (Vec::new(), Vec::new(), Vec::new());
        Self { architecture, wanted, ctx, found, archives, left_out }
    }

    fn add(&mut self, source: Source) -> anyhow::Result<()> {
        let Some((packages, roles)) = self.suite(&source, &[self.architecture])? else {
            return Ok(());
        };
        self.found.extend(packages);
        // Suites such as `bookworm-updates`, and archives of such only, have no roles.
        let known = self.archives.iter().any(|(it, _)| it.uri == source.uri);
        if !source.suite.contains('-') && !known {
            self.archives.push((source, roles));
        }
        Ok(())
    }

    /// wasi-libc from the suites that were seen, else from others of their archives.
    fn libc(&mut self) -> anyhow::Result<Option<Package>> {
        if let Some(libc) = choose_libc(&self.found) {
            return Ok(Some(libc));
        }
        for (source, roles) in self.archives.clone() {
            for role in roles {
                // The index of what is for all architectures is half as large, where there is one.
                let architectures = ["all", self.architecture];
                let suite = self.suite(&source.other_suite(role), &architectures)?;
                if let Some(libc) = suite.and_then(|(packages, _)| choose_libc(&packages)) {
                    return Ok(Some(libc));
                }
            }
        }
        Ok(None)
    }

    /// The packages of one suite that a toolchain may be made of, from the first of these
    /// indexes that it has, and the roles of its archive. A suite that can't be used is said and
    /// left out: another may do. One that is not what its release says is an error.
    fn suite(
        &mut self,
        source: &Source,
        architectures: &[&str],
    ) -> anyhow::Result<Option<(Vec<Package>, &'static [&'static str])>> {
        let release = match Release::fetch(source, self.ctx) {
            Ok(release) => release,
            Err(error) => return Ok(self.leave_out(source, &error.to_string())),
        };
        let origin = release.origin();
        let Some((_, roles)) = ORIGINS.iter().find(|(name, _)| *name == origin) else {
            // Not said aloud: that is how it should be.
            self.left_out.push(format!("{} {} is of `{origin}`", source.uri, source.suite));
            return Ok(None);
        };
        if let Some(until) = release.expired(SystemTime::now()) {
            self.ctx.reporter.warn(format!(
                "the release file of {} {} was valid until {until}: it may lack updates",
                source.uri, source.suite
            ));
        }
        for architecture in architectures {
            match packages(source, &release, architecture, self.wanted, self.ctx) {
                Ok(packages) if packages.is_empty() => {}
                Ok(packages) => return Ok(Some((packages, *roles))),
                Err(error) if is_absent(&error) => {
                    return Ok(self.leave_out(source, &one_line(&error)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some((Vec::new(), *roles)))
    }

    fn leave_out<T>(&mut self, source: &Source, reason: &str) -> Option<T> {
        let text = format!("{} {} is left out: {reason}", source.uri, source.suite);
        self.ctx.reporter.warn(format!("package source {text}"));
        self.left_out.push(text);
        None
    }

    fn lacking(&self, what: &str) -> String {
        let mut text = format!("the machine's package archives have no {what}");
        for reason in &self.left_out {
            text.push_str("; ");
            text.push_str(reason);
        }
        text
    }
}

/// Whether no place has the file: a reason to do without it. A file with another digest is none.
fn is_absent(error: &anyhow::Error) -> bool {
    matches!(cause_of(error), Some(FetchError::Nowhere { .. }))
}
