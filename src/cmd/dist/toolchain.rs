//! `sccfg dist toolchain`

use std::path::Path;

use anyhow::Result;

use super::super::{Outcome, changes};
use super::compiler;
use crate::cli;
use crate::config_file::ConfigFile;
use crate::dist::Toolchain;
use crate::plan;
use crate::report::Report;
use sccfg_util::fsio::NIX_STORE;
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio, proc};

pub(super) fn run(args: &cli::DistToolchain, start: &Path, report: Report) -> Result<Outcome> {
    let file = ConfigFile::load()?;
    let dir = match &args.dir {
        Some(dir) => start.join(dir),
        None => env::cache_dir()
            .ok_or_else(|| {
                Problem::new("could not find a cache directory: HOME is not an absolute path")
                    .hint("set HOME, or pass a directory: --dir DIR")
            })?
            .join("toolchains"),
    };
    let mut toolchains = Vec::new();
    let mut wanted = Vec::new();
    for name in &args.compilers {
        let path = compiler(name)?;
        let store_path = store_path(&path).ok_or_else(|| {
            Problem::new(format!("{} is not in the Nix store", path.display()))
                .hint("sccache packs other compilers by itself: sccfg dist check")
        })?;
        let archive = dir.join(format!("{store_path}.tar.gz"));
        toolchains.push(Toolchain {
            compiler: path.display().to_string(),
            archive: archive.display().to_string(),
            inside: path.display().to_string(),
        });
        if !wanted.contains(&(store_path.clone(), archive.clone())) {
            wanted.push((store_path, archive));
        }
    }
    let after = Toolchain::add_all(&toolchains, file.text_or_empty(), &file.path)?;
    let mut plan = plan::dist_client(&file, Some(after), "with toolchains")?;
    if !args.output.dry_run {
        for (store_path, archive) in &wanted {
            // The name contains a digest of the contents.
            if !fsio::exists(archive) {
                pack(store_path, archive)?;
            }
        }
    }
    plan.next = vec![
        "try it: sccfg dist check --compiler COMPILER".to_owned(),
        "restart the server: sccfg server ensure".to_owned(),
    ];
    changes::carry_out(&plan, args.output, report)?;
    Ok(Outcome::Done)
}

/// The name in the Nix store of what `path` belongs to.
fn store_path(path: &Path) -> Option<String> {
    let rest = path.strip_prefix(NIX_STORE).ok()?;
    Some(rest.components().next()?.as_os_str().to_str()?.to_owned())
}

/// Packs a path of the Nix store, and all that it refers to.
fn pack(name: &str, archive: &Path) -> Result<()> {
    let failed = |what: String| {
        Problem::new(format!("could not pack {NIX_STORE}/{name}: {what}"))
            .hint("check that nix-store and tar run, and that the disk has space")
    };
    let path = format!("{NIX_STORE}/{name}");
    let args = ["--query", "--requisites", path.as_str()];
    let output = proc::output("nix-store", &args, Path::new("/"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(failed(words.trim().to_owned()).into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let paths = text.lines().filter_map(|line| line.strip_prefix('/'));
    let parent = archive.parent().unwrap_or(Path::new("/"));
    fsio::create_dir_all(parent).map_err(|error| failed(error.to_string()))?;
    let temporary = archive.with_extension(format!("{}.tmp", std::process::id()));
    let temporary_text = temporary.display().to_string();
    let mut args = vec![
        "--create",
        "--gzip",
        "--file",
        temporary_text.as_str(),
        "--directory",
        "/",
        "--",
    ];
    args.extend(paths);
    let output = proc::output("tar", &args, Path::new("/"))?;
    if !output.status.success() {
        let _ = fsio::remove_file(&temporary);
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(failed(words.trim().to_owned()).into());
    }
    fsio::rename(&temporary, archive).map_err(|error| failed(error.to_string()))?;
    Ok(())
}
