//! Selects packages from the signed indexes of the machine's archives. Fetches no packages.

use std::collections::VecDeque;
use std::time::SystemTime;

use anyhow::Context;
use pywasm_session::{cause_of, one_line};
use pywasm_store::Ctx;
use pywasm_store::fetch::FetchError;

use crate::apt::{
    self, LlvmPackages, Package, Release, Source, SuitePackages, Tarball, choose_libc, choose_llvm,
    packages,
};

/// A distribution whose package names this tool knows.
#[derive(Debug)]
struct Distribution {
    /// The `Origin` of its release files.
    origin: &'static str,
    /// The suites that may be searched for packages in addition to the machine's own. For a
    /// toolchain, they are searched only if the machine's own suites have no wasi-libc that is new
    /// enough. (wasi-libc is compiled for wasm, so a package from any suite can be used.) The oldest
    /// suite comes first, because CPython is tested with an SDK from the time of its release.
    binary: &'static [&'static str],
    /// The suites that are searched for upstream tarballs. The suite with the newest releases comes
    /// first.
    source: &'static [&'static str],
}

const DISTRIBUTIONS: [Distribution; 2] = [
    Distribution {
        origin: "Debian",
        binary: &["stable", "testing"],
        source: &["unstable", "testing", "stable"],
    },
    Distribution { origin: "Ubuntu", binary: &["devel"], source: &["devel"] },
];

/// Selects the packages of a toolchain. LLVM comes from the machine's own suites, because it uses
/// the libraries of these suites. wasi-libc comes from these or from other suites of the same
/// archives.
///
/// # Errors
/// When the machine has no package archives, when they do not contain a required package, or when
/// an index's digest differs from the one in the signed release file.
pub(super) fn choose(architecture: &str, ctx: &Ctx) -> anyhow::Result<(LlvmPackages, Package)> {
    let mut sources = apt::sources(ctx)?;
    sources.retain(|source| source.serves(architecture));
    anyhow::ensure!(!sources.is_empty(), "this machine has no apt package sources");
    // Archives that are not signed with the distribution's keys come second. They are not ignored,
    // because they may be mirrors of the distribution that sign with their own key.
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
        .with_context(|| survey.lacking("complete LLVM with a runtime for wasm32"))?;
    anyhow::bail!("{}", survey.lacking("wasi-libc from 2024 or later"))
}

/// Selects the newest version of a program for which a single suite of the machine's archives
/// provides both the program and its libraries. These libraries include the C library, so the suite
/// need not be the machine's own. `what` is the name of the program in the error.
///
/// # Errors
/// When the machine has no package archives, when they do not contain a required package, or when
/// an index's digest differs from the one in the signed release file.
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

/// Returns the upstream tarballs of the source packages that `wanted` accepts, from the machine's own
/// suites and the other suites of the same archives. The search ends as soon as `is_enough` returns
/// true for the tarballs of a suite.
///
/// # Errors
/// When an index's digest differs from the one in the signed release file.
pub(super) fn find_tarballs(
    wanted: &dyn Fn(&str) -> bool,
    is_enough: &dyn Fn(&[Tarball]) -> bool,
    ctx: &Ctx,
) -> anyhow::Result<Vec<Tarball>> {
    let mut survey = Survey::new("source", wanted, ctx);
    let mut own = apt::sources(ctx)?;
    own.retain(|source| source.keyring.is_distribution());
    let mut queue: VecDeque<Source> = own.into();
    let mut seen: Vec<(String, String)> = Vec::new();
    let mut found: Vec<Tarball> = Vec::new();
    while let Some(source) = queue.pop_front() {
        let suite = (source.uri.clone(), source.suite.clone());
        if seen.contains(&suite) {
            continue;
        }
        seen.push(suite);
        let Some((release, distribution)) = survey.release(&source)? else { continue };
        match apt::tarballs(&source, &release, wanted, ctx) {
            Ok(of_suite) => found.extend(of_suite),
            Err(error) if is_unavailable(&error) => {
                survey.skip::<()>(&source, &one_line(&error));
            }
            Err(error) => return Err(error),
        }
        if is_enough(&found) {
            break;
        }
        if !source.suite.contains('-') {
            queue.extend(distribution.source.iter().map(|suite| source.other_suite(suite)));
        }
    }
    Ok(found)
}

/// Returns Debian's name for this machine's architecture.
///
/// # Errors
/// When this tool does not know Debian's name for this architecture.
pub(super) fn architecture() -> anyhow::Result<&'static str> {
    apt::architecture().with_context(|| {
        format!("Debian and Ubuntu packages are not supported on {}", std::env::consts::ARCH)
    })
}

/// The packages and archives that were found so far.
struct Survey<'a> {
    architecture: &'a str,
    wanted: &'a dyn Fn(&str) -> bool,
    ctx: &'a Ctx,
    found: Vec<Package>,
    /// One suite of each usable archive, with the roles of the archive's other suites.
    archives: Vec<(Source, &'static [&'static str])>,
    skipped: Vec<String>,
}

impl<'a> Survey<'a> {
    fn new(architecture: &'a str, wanted: &'a dyn Fn(&str) -> bool, ctx: &'a Ctx) -> Self {
        let (found, archives, skipped) = (Vec::new(), Vec::new(), Vec::new());
        Self { architecture, wanted, ctx, found, archives, skipped }
    }

    fn add(&mut self, source: Source) -> anyhow::Result<()> {
        let Some((packages, roles)) = self.suite(&source, &[self.architecture])? else {
            return Ok(());
        };
        self.found.extend(packages);
        // If all suites of an archive have names such as `bookworm-security`, the archive has no
        // suite named `stable` or `testing`, so it is not searched further.
        let known = self.archives.iter().any(|(it, _)| it.uri == source.uri);
        if !source.suite.contains('-') && !known {
            self.archives.push((source, roles));
        }
        Ok(())
    }

    /// Selects wasi-libc from the suites that were read, or else from other suites of the same
    /// archives.
    fn libc(&mut self) -> anyhow::Result<Option<Package>> {
        if let Some(libc) = choose_libc(&self.found) {
            return Ok(Some(libc));
        }
        for (source, roles) in self.archives.clone() {
            for role in roles {
                // The index for `all` is half as large as the one for the machine's architecture,
                // but not every archive has it.
                let architectures = ["all", self.architecture];
                let suite = self.suite(&source.other_suite(role), &architectures)?;
                if let Some(libc) = suite.and_then(|(packages, _)| choose_libc(&packages)) {
                    return Ok(Some(libc));
                }
            }
        }
        Ok(None)
    }

    /// Returns the wanted packages of a suite, and the roles of the other suites of its archive.
    /// The packages come from the index of the first architecture in `architectures` that has any
    /// of them. An unusable suite is skipped with a warning, because another suite may have the
    /// packages.
    ///
    /// # Errors
    /// When an index's digest differs from the one in the signed release file.
    fn suite(
        &mut self,
        source: &Source,
        architectures: &[&str],
    ) -> anyhow::Result<Option<(Vec<Package>, &'static [&'static str])>> {
        let Some((release, distribution)) = self.release(source)? else { return Ok(None) };
        let roles = distribution.binary;
        for architecture in architectures {
            match packages(source, &release, architecture, self.wanted, self.ctx) {
                Ok(packages) if packages.is_empty() => {}
                Ok(packages) => return Ok(Some((packages, roles))),
                Err(error) if is_unavailable(&error) => {
                    return Ok(self.skip(source, &one_line(&error)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some((Vec::new(), roles)))
    }

    /// Returns the release file of a suite and its distribution. An unusable suite is skipped with a
    /// warning.
    fn release(
        &mut self,
        source: &Source,
    ) -> anyhow::Result<Option<(Release, &'static Distribution)>> {
        let release = match Release::fetch(source, self.ctx) {
            Ok(release) => release,
            Err(error) => return Ok(self.skip(source, &error.to_string())),
        };
        let origin = release.origin();
        let Some(distribution) = DISTRIBUTIONS.iter().find(|one| one.origin == origin) else {
            // No warning is printed, because third-party archives are expected here.
            self.skipped.push(format!(
                "{} {} has the unsupported origin `{origin}`",
                source.uri, source.suite
            ));
            return Ok(None);
        };
        if let Some(until) = release.expired(SystemTime::now()) {
            self.ctx.reporter.warn(format!(
                "the release file of {} {} expired on {until}; updates may be missing",
                source.uri, source.suite
            ));
        }
        Ok(Some((release, distribution)))
    }

    fn skip<T>(&mut self, source: &Source, reason: &str) -> Option<T> {
        let text = format!("{} {} is skipped: {reason}", source.uri, source.suite);
        self.ctx.reporter.warn(format!("package source {text}"));
        self.skipped.push(text);
        None
    }

    fn lacking(&self, what: &str) -> String {
        let mut text = format!("the machine's package archives have no {what}");
        for reason in &self.skipped {
            text.push_str("; ");
            text.push_str(reason);
        }
        text
    }
}

/// Returns true if the error means that no location has the file, and not that the file's digest
/// differs.
fn is_unavailable(error: &anyhow::Error) -> bool {
    matches!(cause_of(error), Some(FetchError::Unavailable { .. }))
}
