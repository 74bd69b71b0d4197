//! New files: a Dockerfile for the programs of a workspace, and what belongs to it.

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use toml_edit::{Item, Table};

use crate::members::members;
use sccache_control::config::toml;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// The compose file, of which sccfg writes the whole text.
pub(crate) const COMPOSE_FILE: &str = "compose.sccache.yaml";
pub(crate) const COMPOSE: &str = sccfg_templates::DOCKER_COMPOSE.text;
/// The list of files that are not sent to the builder.
pub(crate) const IGNORE_FILE: &str = ".dockerignore";

/// The text of a new `.dockerignore`.
pub(crate) fn ignore() -> &'static str {
    sccfg_templates::DOCKER_IGNORE.text
}

/// The text of a Dockerfile for the workspace at `root`, without sccache.
///
/// # Errors
/// If the workspace has no program, or a manifest cannot be read.
pub(crate) fn new_dockerfile(root: &Path) -> Result<String> {
    let Some(manifest) = manifest(root)? else {
        return Err(Problem::new(format!(
            "no Dockerfile and no Cargo.toml in {}",
            root.display()
        ))
        .hint("run sccfg in a workspace, or pass a Dockerfile: sccfg docker FILE")
        .into());
    };
    // cargo builds the package of the directory if there is one, otherwise the whole workspace.
    let (mut programs, mut options) = (programs_of(root, &manifest), String::new());
    if manifest.get("package").is_none() {
        for member in members(root) {
            if let Some(manifest) = self::manifest(&member.directory)? {
                programs.extend(programs_of(&member.directory, &manifest));
            }
        }
        options.push_str(" --workspace --bins");
    }
    programs.sort();
    programs.dedup();
    if programs.is_empty() {
        return Err(Problem::new(format!(
            "no program in the workspace in {}, so there is nothing to run in an image",
            root.display()
        ))
        .hint("write a Dockerfile, then run `sccfg docker`")
        .into());
    }
    if fsio::exists(&root.join("Cargo.lock")) {
        options.push_str(" --locked");
    }
    sccfg_templates::render(
        sccfg_templates::DOCKERFILE,
        json!({ "rust": rust_version(root), "options": options, "programs": programs, "is_alone": programs.len() == 1 }),
    )
}

fn manifest(directory: &Path) -> Result<Option<Table>, Problem> {
    let path = directory.join("Cargo.toml");
    let Some(text) = fsio::read(&path)? else {
        return Ok(None);
    };
    Ok(Some(toml::parse(&text, &path)?.as_table().clone()))
}

/// The programs of the package with this manifest, as cargo finds them.
fn programs_of(directory: &Path, manifest: &Table) -> Vec<String> {
    let Some(package) = manifest.get("package") else {
        return Vec::new();
    };
    let name = package.get("name").and_then(Item::as_str);
    let mut programs: Vec<String> = manifest
        .get("bin")
        .and_then(Item::as_array_of_tables)
        .into_iter()
        .flatten()
        // Those that take features are not built by default.
        .filter(|bin| bin.get("required-features").is_none())
        .filter_map(|bin| Some(bin.get("name")?.as_str()?.to_owned()))
        .collect();
    if package.get("autobins").and_then(Item::as_bool) == Some(false) {
        return programs;
    }
    let declared: Vec<&str> = manifest
        .get("bin")
        .and_then(Item::as_array_of_tables)
        .into_iter()
        .flatten()
        .filter_map(|bin| bin.get("path")?.as_str())
        .collect();
    if !declared.contains(&"src/main.rs") && fsio::exists(&directory.join("src/main.rs")) {
        programs.extend(name.map(str::to_owned));
    }
    for entry in fsio::names_in(&directory.join("src/bin")) {
        let file = format!("src/bin/{entry}");
        if declared.contains(&file.as_str()) {
            continue;
        }
        match entry.strip_suffix(".rs") {
            Some(name) => programs.push(name.to_owned()),
            None if fsio::exists(&directory.join(file).join("main.rs")) => programs.push(entry),
            None => {}
        }
    }
    programs
}

/// The tag of Rust's image: the version of a toolchain file, otherwise the latest one.
fn rust_version(root: &Path) -> String {
    let channel = ["rust-toolchain.toml", "rust-toolchain"]
        .iter()
        .find_map(|name| {
            let path = root.join(name);
            let text = fsio::read_text(&path)?;
            let channel = toml::parse(&text, &path)
                .ok()
                .and_then(|document| {
                    let toolchain = document.as_table().get("toolchain")?;
                    Some(toolchain.get("channel")?.as_str()?.to_owned())
                })
                .unwrap_or_else(|| text.trim().to_owned());
            Some(channel)
        });
    let is_version = |channel: &String| {
        channel.starts_with(|c: char| c.is_ascii_digit())
            && channel.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    channel.filter(is_version).unwrap_or_else(|| "1".to_owned())
}
