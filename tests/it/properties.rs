//! Properties of the editor over random changes of flakes; `scripts/fuzz` runs the same for longer.

use std::path::Path;

use proptest::prelude::*;
use sccfg::flake::home::{self, Module, import};
use sccfg::flake::strip;
use sccfg::policy::Incremental;

use crate::fuzzing::flakes::{Flake, seeds};
use crate::fuzzing::judge::{Verdict, Wish, judge};
use crate::fuzzing::mutate::{Random, Step};

fn step() -> impl Strategy<Value = Step> {
    (any::<u8>(), any::<u32>(), any::<u32>()).prop_map(|(kind, at, pick)| Step { kind, at, pick })
}

fn wish() -> impl Strategy<Value = Wish> {
    let incremental = prop_oneof![
        Just(Incremental::Off),
        Just(Incremental::Workspace),
        Just(Incremental::Auto)
    ];
    (incremental, any::<bool>(), any::<bool>()).prop_map(|(incremental, plain, has_input)| {
        let wish = if plain {
            Wish::plain(incremental)
        } else {
            Wish::two(incremental)
        };
        if has_input { wish.with_input() } else { wish }
    })
}

/// The seeds as they are, each read by the editor once.
fn known() -> Vec<Flake> {
    let seeds = seeds();
    for flake in &seeds {
        let plain = Wish::plain(Incremental::Off);
        for wish in [plain.clone(), plain.with_input()] {
            judge(flake, &wish).unwrap_or_else(|violation| panic!("{}: {violation}", flake.name));
        }
    }
    seeds
}

#[test]
fn every_property_holds_of_changed_flakes() {
    let seeds = known();
    let cases = (0..seeds.len(), prop::collection::vec(step(), 0..8), wish());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 800,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&cases, |(seed, steps, wish)| {
        let flake = seeds[seed].mutated(&steps);
        judge(&flake, &wish)
            .map(drop)
            .map_err(|violation| TestCaseError::fail(format!("{violation}\n{:#?}", flake.files)))
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// The modules of `tests/home_cases`, each by itself.
fn modules() -> Vec<Flake> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/home_cases");
    let is_nix = |path: &Path| path.extension().is_some_and(|extension| extension == "nix");
    let walk = ignore::WalkBuilder::new(cases).hidden(false).build();
    let mut paths: Vec<_> = walk.flatten().map(ignore::DirEntry::into_path).collect();
    paths.retain(|path| is_nix(path) && path.components().any(|part| part.as_os_str() == "in"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            Flake::new(&path.display().to_string(), &text)
        })
        .collect()
}

/// Adds an import to a module; whether it could be done.
fn judge_import(module: &Flake) -> Result<bool, TestCaseError> {
    let path = Path::new("flake.nix");
    let whole = Module::file(path);
    let element = "./sccache.nix";
    let Ok(edited) = import(module, &whole, element) else {
        return Ok(false);
    };
    let Some(edited) = edited else {
        return Ok(true);
    };
    let (before, after) = (&module.files[path], &edited.after);
    prop_assert_eq!(before, &edited.before);
    prop_assert_eq!(
        home::strip(path, after),
        home::strip(path, before),
        "{}",
        after
    );
    prop_assert!(rnix::Root::parse(after).errors().is_empty(), "{}", after);
    let count = |text: &str| {
        rnix::Root::parse(text)
            .syntax()
            .descendants()
            .filter(|node| node.kind() == rnix::SyntaxKind::NODE_PATH_REL && node.text() == element)
            .count()
    };
    let stripped = home::strip(path, before).unwrap();
    prop_assert_eq!(count(after), count(&stripped) + 1, "{}", after);
    let again = module.with([(path.to_owned(), after.clone())]);
    prop_assert_eq!(import(&again, &whole, element), Ok(None), "{}", after);
    Ok(true)
}

#[test]
fn every_property_holds_of_changed_modules() {
    let modules = modules();
    assert!(modules.len() > 40, "{}", modules.len());
    let done = std::cell::Cell::new(0);
    let cases = (0..modules.len(), prop::collection::vec(step(), 0..8));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&cases, |(seed, steps)| {
        let edited = judge_import(&modules[seed].mutated(&steps))?;
        done.set(done.get() + u32::from(edited));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(done.get() > 1500, "{} of 4000", done.get());
}

/// If the changes were so wild that hardly any flake was edited, the properties would say little.
#[test]
fn most_changed_flakes_are_edited() {
    let seeds = known();
    let mut random = Random(7);
    let edited = (0..200)
        .filter(|_| {
            let flake = seeds[random.below(seeds.len())].mutated(&random.steps());
            matches!(
                judge(&flake, &Wish::plain(Incremental::Off)),
                Ok(Verdict::Edited(_))
            )
        })
        .count();
    assert!(edited > 60, "{edited} of 200");
}

/// What a text with markers in random places is made of.
fn scrap() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`".to_owned()),
        Just("# >>> sccfg >>>".to_owned()),
        Just("# <<< sccfg <<<".to_owned()),
        Just("# sccfg:was".to_owned()),
        Just("# sccfg:was a = 1;".to_owned()),
        Just("# sccfg:was|\tb".to_owned()),
        Just("# sccfg:was # >>> sccfg >>>".to_owned()),
        Just("# sccfg:inline \" \\n\"".to_owned()),
        Just("# sccfg:inline \"\\n# <<< sccfg <<<\\n\"".to_owned()),
        Just("# sccfg:inline ".to_owned()),
        "[ \t]{1,3}",
        Just("\n".to_owned()),
        Just("\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r".to_owned()),
        "\\PC{0,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn markers_in_random_places_are_taken_out_or_refused(
        scraps in prop::collection::vec(scrap(), 0..24)
    ) {
        let text = scraps.concat();
        let path = Path::new("flake.nix");
        match strip(path, &text) {
            Err(problem) => prop_assert!(problem.hint.is_some() && problem.place.is_some()),
            Ok(once) => {
                prop_assert!(once.matches("# >>> sccfg >>>").count() <= text.matches("# >>> sccfg >>>").count());
                // What a region kept may itself look like one, if somebody wrote it by hand.
                if !text.contains("# sccfg:") {
                    prop_assert_eq!(strip(path, &once), Ok(once.clone()));
                }
            }
        }
    }
}
