//! Adding sccfg to the flake: the input, and the argument of the functions that take all inputs.

use rnix::ast::{self, Apply, Expr, Lambda, Param};
use rowan::ast::AstNode as _;

use super::Editor;
use crate::change::edits::Edits;
use crate::change::input::{self, NoInput};
use crate::find::eval::Eval;
use crate::find::files::{FileId, Files};
use crate::find::input::NAME;
use crate::find::thunk::{Thunk, Value};
use crate::quote;
use crate::text::range_of;
use sccfg_util::problem::Problem;

impl Editor<'_> {
    /// Adds the input, and the argument to every function that accepts only named inputs.
    ///
    /// # Errors
    /// When the inputs or the outputs are not literal.
    pub(super) fn input(
        &mut self,
        files: &mut Files<'_>,
        flake: &Thunk,
        outputs: &Thunk,
        url: &str,
    ) -> Result<(), Problem> {
        let file = files.get(flake.file);
        let refuse = |offset: usize, what: &str, hint: String| {
            let what = format!("could not add the input `{NAME}`: {what}");
            Err(Problem::new(what).at(file.place(offset)).hint(hint))
        };
        let by_hand = format!(
            "add it by hand: inputs.{NAME}.url = {}; and add the argument `{NAME}` to `outputs`",
            quote::string(url)
        );
        let Expr::AttrSet(set) = &flake.expr else {
            return refuse(0, "this flake is not an attribute set", by_hand);
        };
        let Expr::Lambda(function) = &outputs.expr else {
            let offset = file.text.find("outputs").unwrap_or(0);
            let what = "`outputs` is not a function in this repository";
            return refuse(offset, what, by_hand);
        };
        let mut edits = Edits::new(&file.text);
        match input::add(&mut edits, set, url, &arguments_of(function)) {
            Ok(()) => {}
            Err(NoInput::Unclear(offset)) => {
                return refuse(offset, "the inputs are not literal here", by_hand);
            }
            Err(NoInput::Taken(offset, other)) => {
                let hint = match other {
                    Some(other) => format!(
                        "if that is sccfg, use its address: sccfg init --input {other}; otherwise rename it"
                    ),
                    None => "rename that input".to_owned(),
                };
                return refuse(offset, "there is another input of that name", hint);
            }
        }
        let edits = edits.into_edits();
        self.add_edits(flake.file, edits);
        for (file, lambda) in closed(files, outputs, function) {
            self.argument(files, file, &lambda, NAME);
        }
        Ok(())
    }

    /// Adds an argument to a function.
    pub(super) fn argument(
        &mut self,
        files: &Files<'_>,
        file: FileId,
        lambda: &Lambda,
        name: &str,
    ) {
        let mut edits = Edits::new(&files.get(file).text);
        input::add_argument(&mut edits, lambda, name);
        let edits = edits.into_edits();
        self.add_edits(file, edits);
    }
}

/// The names in the pattern of a function.
pub(super) fn arguments_of(function: &Lambda) -> Vec<String> {
    match function.param() {
        Some(Param::Pattern(pattern)) => pattern
            .pat_entries()
            .filter_map(|entry| Some(entry.ident()?.syntax().text().to_string()))
            .collect(),
        _ => Vec::new(),
    }
}

/// The functions that are called with all inputs and accept only those they name: the outputs, and
/// the functions to which the outputs pass their whole argument.
fn closed(files: &mut Files<'_>, outputs: &Thunk, function: &Lambda) -> Vec<(FileId, Lambda)> {
    let mut found = Vec::new();
    let mut waiting = vec![(outputs.clone(), function.clone())];
    let mut seen = Vec::new();
    let mut eval = Eval::new(files);
    while let Some((thunk, lambda)) = waiting.pop() {
        if seen.contains(&lambda) {
            continue;
        }
        seen.push(lambda.clone());
        let whole = match lambda.param() {
            Some(Param::IdentParam(param)) => Some(param.syntax().text().to_string()),
            Some(Param::Pattern(pattern)) => {
                if pattern.ellipsis_token().is_none() {
                    found.push((thunk.file, lambda.clone()));
                }
                let whole = pattern.pat_bind().and_then(|bind| bind.ident());
                whole.map(|whole| whole.syntax().text().to_string())
            }
            None => None,
        };
        let (Some(whole), Some(body)) = (whole, Eval::call(&thunk, Value::Inputs)) else {
            continue;
        };
        let calls = body.expr.syntax().descendants().filter_map(Apply::cast);
        for call in calls {
            let is_whole = matches!(call.argument(), Some(Expr::Ident(argument))
                if argument.syntax().text() == whole.as_str());
            let Some(callee) = call.lambda().filter(|_| is_whole) else {
                continue;
            };
            let callee = eval.follow(&body.beside(callee));
            if let Expr::Lambda(inner) = &callee.expr {
                waiting.push((callee.clone(), inner.clone()));
            } else if let Some(imported) = import_of(&mut eval, &body, &callee.expr) {
                waiting.push(imported);
            }
        }
    }
    found.sort_by_key(|(file, lambda)| (*file, range_of(lambda.syntax()).start));
    found
}

/// The function of the file that `import ./file.nix` names.
fn import_of(eval: &mut Eval<'_, '_>, body: &Thunk, callee: &Expr) -> Option<(Thunk, Lambda)> {
    let ast::Expr::Apply(_) = callee else {
        return None;
    };
    let whole = eval.follow(&body.beside(callee.clone()));
    match &whole.expr {
        Expr::Lambda(lambda) => Some((whole.clone(), lambda.clone())),
        _ => None,
    }
}
