//! From the outputs of a flake to the expressions that make its dev shells, and `devenv.nix`.

use std::path::Path;

use super::devenv;
use super::eval::Eval;
use super::files::{FileId, Files};
use super::found::{Found, Shells};
use super::search::{Search, Sought, Step, name};
use super::thunk::Value;
use sccfg_util::problem::Problem;

/// Finds the dev shells of the flake at `flake.nix`, and that of `devenv.nix`.
///
/// # Errors
/// When there is neither, or the flake has no outputs.
pub(crate) fn find(files: &mut Files<'_>) -> Result<Shells, Problem> {
    let flake = files.load(Path::new("flake.nix"))?;
    let devenv = devenv::find(files);
    let mut shells = match (flake, &devenv) {
        (Some(flake), _) => of_flake(files, flake)?,
        (None, Some(_)) => Shells::default(),
        (None, None) => {
            return Err(
                Problem::new("there is no flake.nix and no devenv.nix in this directory")
                    .hint("run `sccfg init` to generate a flake"),
            );
        }
    };
    shells.devenv = devenv;
    Ok(shells)
}

fn of_flake(files: &mut Files<'_>, flake: FileId) -> Result<Shells, Problem> {
    let mut eval = Eval::new(files);
    let root = eval.file(flake);
    let root = eval.follow(&root);
    let Some(outputs) = eval.attribute(&root, "outputs") else {
        let place = eval.files.get(flake).place(0);
        return Err(Problem::new("this flake has no `outputs`")
            .at(place)
            .hint("a flake is an attribute set: { inputs = …; outputs = { self, … }: …; }"));
    };
    let outputs = eval.follow(&outputs);
    let result = Eval::call(&outputs, Value::Inputs).unwrap_or_else(|| outputs.clone());
    eval.outputs = Some(result.clone());
    let mut search = Search::new(eval);
    search.walk(
        &result,
        &[name("devShells"), Step::System, Step::Each],
        &Sought::default(),
    );
    if !search.has_found("default") {
        let legacy = Sought::default().named(Some("default".to_owned()));
        search.walk(&result, &[name("devShell"), Step::System], &legacy);
    }
    let mut shells = search.into_shells(root, outputs);
    dedup(&mut shells.found);
    Ok(shells)
}

fn dedup(found: &mut Vec<Found>) {
    let mut seen = Vec::new();
    found.retain(|shell| {
        let key = (
            shell.name.clone(),
            shell.anchor.file(),
            shell.anchor.node().clone(),
        );
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
}
