//! Checks whether the run of a build script in another checkout would have the same result here: by the files and variables
//! that the script declares, as cargo does, and by its undeclared inputs, which were [observed](super::observed_runs) or, for a
//! script of the workspace, are [determined from its source](super::undeclared_inputs).

use std::path::Path;
use std::time::SystemTime;

use ignore::WalkBuilder;

use super::super::build_dir::profile_of;
use super::super::build_script::copies::has_namesake;
use super::super::digest;
use super::super::uncacheable::Uncacheable;
use super::super::unit_manifest::{Sharing, UnitManifest};
use super::checks::Checks;
use super::dependencies::Taken;
use super::observed_runs::is_observed;
use super::reference_time::modified;
use super::source_record::{Detected, Scope};
use super::units::{CargoUnit, Local, Run};
use super::{Package, Why};
use sccfg_util::fsio::{self, share};

/// The maximum number of files that are compared for one declared path.
const MAX_DECLARED: usize = 10_000;

impl Checks<'_> {
    /// Compares the run of a build script. Returns whether its package never changes.
    pub(super) fn run(
        &self,
        unit: &CargoUnit,
        run: &Run,
        dependencies: &[(String, Taken<'_>)],
    ) -> Result<bool, Why> {
        let mut scripts = dependencies
            .iter()
            .filter_map(|(_, taken)| Some((taken, taken.manifest()?, taken.is_published)));
        let (Some((taken, script, is_published)), None) = (scripts.next(), scripts.next()) else {
            return Err("the program of its build script was not found".into());
        };
        if self.has_run_since_manifest(run) {
            return Err("its build script ran again without the wrapper".into());
        }
        let manifest = self.manifest_of(run);
        match manifest.as_ref().map(|known| &known.sharing) {
            Some(Sharing::KeyedByPath(why)) => return Err(Why::general(why.clone())),
            Some(Sharing::NotCached(why)) if !is_published && is_write(*why) => {
                return Err(Why::general(why.describe()));
            }
            _ => {}
        }
        self.copies(run, manifest.as_ref())?;
        let package = self.package(script);
        let printed = self.from.build.join(&run.directory).join(run.printed);
        let ran = modified(&printed).ok_or("its output cannot be read")?;
        // The output has the time at which the run began, but cargo writes other files after it.
        let ended = fsio::newest_file_in(&self.from.build.join(&run.directory));
        if is_changed_since(&self.from.build.join(&run.out_dir), ended) {
            return Err("something in its OUT_DIR was changed after it ran".into());
        }
        for local in &unit.local {
            match local {
                Local::RerunIfEnvChanged { .. } => {}
                Local::Precalculated(_) if is_published => {}
                Local::Precalculated(_) => {
                    return Err(Why::general("its build script declares no files"));
                }
                Local::CheckDepInfo(_) => {
                    return Err(Why::general(
                        "cargo's fingerprint of it is not that of a build script's run",
                    ));
                }
                Local::RerunIfChanged { paths, .. } => {
                    for path in paths {
                        self.declared(path, ran, is_published, package.as_deref())?;
                    }
                }
            }
        }
        if is_published {
            self.published_reads_the_same(taken, manifest.as_ref())?;
        } else if let Some(manifest) = manifest.filter(is_observed) {
            self.reads_the_same(taken, &manifest)?;
        } else {
            let package = package
                .as_deref()
                .ok_or_else(|| Why::general("its package is not in this workspace"))?;
            self.declares_all(taken, (unit, run), package)?;
        }
        Ok(is_published)
    }

    /// Fails if files that the run left beside the programs are not known, were changed, or would be elsewhere here.
    fn copies(&self, run: &Run, manifest: Option<&UnitManifest>) -> Result<(), Why> {
        let out_dir = self.from.build.join(&run.out_dir);
        let profile = || profile_of(&out_dir, &self.from.build);
        let stored = manifest.filter(|known| !matches!(known.sharing, Sharing::NotCached(_)));
        let Some(manifest) = stored else {
            // Nobody looked at what it wrote.
            if profile().is_some_and(|profile| has_namesake(&out_dir, profile)) {
                return Err(Why::general(Uncacheable::ScriptWrites.describe()));
            }
            return Ok(());
        };
        let copies = &manifest.copies;
        if copies.is_empty() {
            return Ok(());
        }
        if !copies.are_whole(&out_dir) {
            return Err("a copy that its build script made was changed".into());
        }
        let from = &manifest.path_map;
        let to = from.moved(&self.from.roles()?, &self.to.roles()?);
        let to = to.ok_or("the path of this checkout is too long")?;
        if !copies.belong_to(profile(), &out_dir, (from, &to)) {
            return Err(Why::general(Uncacheable::ScriptWrites.describe()));
        }
        Ok(())
    }

    /// Compares a file or directory that a build script declares. In the other checkout it must be older than the
    /// run (`ran`), as cargo requires.
    fn declared(
        &self,
        path: &Path,
        ran: SystemTime,
        is_published: bool,
        package: Option<&Package>,
    ) -> Result<(), Why> {
        let mut left = MAX_DECLARED;
        let is_same = if is_published {
            // The output that cargo compares with this file keeps its mtime.
            true
        } else if path.is_absolute() {
            self.compares(path, Scope::Declared, Detected::ByCargo);
            self.is_immutable(path) || is_older_tree(path, ran)
        } else {
            package.is_some_and(|package| {
                let [from, to] = [self.from, self.to]
                    .map(|checkout| checkout.workspace.join(&package.directory).join(path));
                self.compares(&to, Scope::Declared, Detected::ByCargo);
                is_same_tree(&from, &to, ran, self.moment, &mut left)
            })
        };
        if is_same {
            return Ok(());
        }
        Err(format!(
            "{} is not the same as when its build script ran",
            path.display()
        )
        .into())
    }
}

/// Whether a run is not cached because it wrote files that belong to no unit.
fn is_write(why: Uncacheable) -> bool {
    matches!(
        why,
        Uncacheable::ScriptWrites
            | Uncacheable::ScriptWritesElsewhere
            | Uncacheable::ScriptWritesSources
    )
}

/// Whether the files at `from` and `to` are the same, the first not newer than `ran`, the second not newer than
/// `moment`. Of a directory, all files in it.
fn is_same_tree(
    from: &Path,
    to: &Path,
    ran: SystemTime,
    moment: SystemTime,
    left: &mut usize,
) -> bool {
    let is_old = |path: &Path, limit| modified(path).is_some_and(|time| time <= limit);
    if *left == 0 || !is_old(from, ran) || !is_old(to, moment) {
        return false;
    }
    *left -= 1;
    let is_link = |path: &Path| fsio::read_link(path).is_some();
    if is_link(from) != is_link(to) || fsio::is_executable(from) != fsio::is_executable(to) {
        return false;
    }
    if !from.is_dir() {
        return from == to
            || !to.is_dir()
                && digest::of_file(from).is_some_and(|one| digest::of_file(to) == Some(one));
    }
    let names = fsio::names_in(from);
    names == fsio::names_in(to)
        && names
            .iter()
            .all(|name| is_same_tree(&from.join(name), &to.join(name), ran, moment, left))
}

/// Whether something in `out_dir` was created, written or removed after the run ended, as a program or a test may do.
fn is_changed_since(out_dir: &Path, ended: Option<SystemTime>) -> bool {
    let walk = WalkBuilder::new(out_dir).standard_filters(false).build();
    walk.flatten().any(|entry| {
        // The mtime of a link is that of its delivery.
        !entry.path_is_symlink() && modified(entry.path()) > ended
    })
}

/// Whether nothing at `path` or below it has an mtime after `moment`, as cargo determines it (`mtime_recursive` of the crate
/// `cargo-util`).
fn is_older_tree(path: &Path, moment: SystemTime) -> bool {
    let is_old = |time: Option<SystemTime>| time.is_some_and(|time| time <= moment);
    if !path.is_dir() {
        return is_old(modified(path));
    }
    let walk = WalkBuilder::new(path)
        .standard_filters(false)
        .follow_links(true)
        .build();
    // Links to their own ancestors are errors, and skipped.
    walk.flatten().all(|entry| {
        let link = share::modified(entry.path());
        is_old(link.max(modified(entry.path())))
    })
}
