//! From the outputs of a flake to the expressions that make its dev shells.

use std::path::Path;

use rnix::SyntaxNode;

use super::eval::{Eval, Thunk, Value};
use super::files::{FileId, Files};
use super::found::{Found, InToml};
use super::search::{Search, Sought, Step, name};
use sccfg_util::problem::Problem;

/// Finds the dev shells of the flake at `flake.nix`.
///
/// # Errors
/// When there is no flake, or it has no outputs.
pub(crate) fn find(files: &mut Files<'_>) -> Result<Shells, Problem> {
    let path = Path::new("flake.nix");
    let Some(flake) = files.load(path)? else {
        return Err(Problem::new("there is no flake.nix in this directory")
            .hint("run `sccfg init` to generate one"));
    };
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

/// The result of [`find`].
#[derive(Debug)]
pub(crate) struct Shells {
    pub(crate) found: Vec<Found>,
    /// Other shells, whose names are not among those of `found`.
    pub(crate) in_toml: Vec<InToml>,
    /// The first function from outside of the repository on the path to the shells.
    pub(crate) unseen: Option<(FileId, SyntaxNode)>,
    /// The flake itself: a set.
    pub(crate) flake: Thunk,
    /// Its `outputs`: a function, if it is in the repository.
    pub(crate) outputs: Thunk,
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
