//! Tests with observed programs that start others in different ways.

use super::*;
use sccfg_util::proc::Program as Command;
use tempfile::TempDir;

fn prepare() -> (TempDir, Observation) {
    let directory = tempfile::tempdir().unwrap();
    let library = directory.path().join(FILE_NAME);
    let observation = Observation::of_all(&library).unwrap();
    (directory, observation)
}

/// Runs a command of the shell.
fn run(observation: &Observation, command: &str) {
    let shell = Command {
        path: Path::new("/bin/sh"),
        args: &["-c".into(), command.into()],
        changes: observation.changes(),
        directory: None,
    };
    shell.output().unwrap();
}

fn used(observation: &Observation) -> u64 {
    observation.notes.number_at(layout::USED as u64).unwrap()
}

#[test]
fn notes_of_a_killed_process_are_kept() {
    let (directory, observation) = prepare();
    let file = directory.path().join("a.txt");
    let command = format!("exec <{}; kill -KILL $$", file.display());
    run(&observation, &command);
    let requests = observation.requests().unwrap();
    assert!(requests.files[&file].is_read);
}

/// A process that outlives its wrapper's observation may find a pipe in place of the notes.
#[test]
fn what_is_not_a_file_of_notes_is_not_read() {
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsRawFd as _;
    let (_directory, observation) = prepare();
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"of something else").unwrap();
    let path = format!("/proc/{}/fd/{}", std::process::id(), reader.as_raw_fd());
    let mut changes = observation.changes().to_vec();
    changes.push((LOG.into(), Some(format!("*:{path}").into())));
    let shell = Command {
        path: Path::new("/bin/sh"),
        args: &["-c".into(), ":".into()],
        changes: &changes,
        directory: None,
    };
    assert!(shell.output().unwrap().status.success());
    drop(writer);
    let mut left = String::new();
    reader.read_to_string(&mut left).unwrap();
    assert_eq!(left, "of something else");
}

/// Has a shell open the file that its second argument names, by the function that its first one names. A third one is a
/// value for `LD_PRELOAD`, and a fourth one a file that it removes before.
const STARTS: &str = r#"
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <spawn.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/wait.h>
    #include <unistd.h>
    #include <wordexp.h>
    extern char **environ;
    static int spawn(int uses_path, char **arguments) {
        pid_t child;
        int status, failed = uses_path ? posix_spawnp(&child, "sh", NULL, NULL, arguments, environ)
            : posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ);
        return failed || waitpid(child, &status, 0) != child || status;
    }
    static int expand(const char *command) {
        char text[5100];
        wordexp_t words;
        snprintf(text, sizeof text, "$(sh -c '%s')", command);
        return wordexp(text, &words, 0);
    }
    int main(int count, char **given) {
        char *how = given[1], *sh = "/bin/sh", command[5000];
        char *arguments[] = {"sh", "-c", command, NULL};
        if (count > 3) setenv("LD_PRELOAD", given[3], 1); else unsetenv("LD_PRELOAD");
        if (count > 4) unlink(given[4]);
        snprintf(command, sizeof command, "exec <%s", given[2]);
        #define IS(name) (strcmp(how, name) == 0)
        if (IS("system")) return system(command);
        if (IS("popen")) return pclose(popen(command, "r"));
        if (IS("wordexp")) return expand(command);
        if (IS("posix_spawn")) return spawn(0, arguments);
        if (IS("posix_spawnp")) return spawn(1, arguments);
        if (IS("execv")) execv(sh, arguments);
        if (IS("execve")) execve(sh, arguments, environ);
        if (IS("execvp")) execvp("sh", arguments);
        if (IS("execvpe")) execvpe("sh", arguments, environ);
        if (IS("fexecve")) fexecve(open(sh, O_RDONLY), arguments, environ);
        if (IS("execl")) execl(sh, "sh", "-c", command, NULL);
        if (IS("execlp")) execlp("sh", "sh", "-c", command, "1", "2", "3", "4", "5", "6", NULL);
        if (IS("execle")) execle(sh, "sh", "-c", command, NULL, environ);
        if (IS("execle of many")) execle(sh, "sh", "-c", command, "1", "2", "3", "4", "5", "6", NULL, environ);
        return 1;
    }
"#;

/// Compiles a program of C to the file `to`.
fn compile(text: &str, to: &Path) {
    let source = to.with_extension("c");
    fsio::replace_and_create_dir(&source, text.as_bytes()).unwrap();
    let compiler = Command {
        path: Path::new("cc"),
        args: &["-o".into(), to.into(), source.into()],
        changes: &[],
        directory: None,
    };
    assert!(compiler.output().unwrap().status.success());
}

/// The output of the program at `path`, which is observed and must succeed.
fn succeed(observation: &Observation, path: &Path, args: &[OsString]) -> std::process::Output {
    let program = Command {
        path,
        args,
        changes: observation.changes(),
        directory: None,
    };
    let output = program.output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    output
}

#[test]
fn a_program_that_is_not_observed_is_noted_however_it_is_started() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let [starts, file] = ["starts", "file.txt"].map(path);
    compile(STARTS, &starts);
    fsio::replace_and_create_dir(&file, b"word").unwrap();
    let library = path(FILE_NAME);
    let library = library.to_str().unwrap();
    for how in [
        "system",
        "popen",
        "wordexp",
        "posix_spawn",
        "posix_spawnp",
        "execv",
        "execve",
        "execvp",
        "execvpe",
        "fexecve",
        "execl",
        "execlp",
        "execle",
        "execle of many",
    ] {
        for (preload, is_observed) in [
            (None, false),
            (Some(""), false),
            (Some("/none/other.so"), false),
            (Some(&*format!("{library}x:/x{library}")), false),
            (Some(library), true),
            (Some(&format!("/none/other.so:{library}")), true),
            (Some(&format!("{library} /none/other.so")), true),
        ] {
            let observation = Observation::of_all(Path::new(library)).unwrap();
            let given = [how, file.to_str().unwrap()].into_iter().chain(preload);
            let given: Vec<_> = given.map(OsString::from).collect();
            succeed(&observation, &starts, &given);
            let requests = observation.requests().unwrap();
            assert_eq!(requests.is_partial, !is_observed, "{given:?}");
            assert_eq!(requests.files.contains_key(&file), is_observed, "{given:?}");
        }
    }
}

#[test]
fn programs_start_without_error_after_the_observer_was_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let [starts, file, library] = ["starts", "file.txt", FILE_NAME].map(path);
    compile(STARTS, &starts);
    fsio::replace_and_create_dir(&file, b"word").unwrap();
    let alone = library.to_str().unwrap();
    for how in [
        "system",
        "popen",
        "wordexp",
        "posix_spawn",
        "posix_spawnp",
        "execv",
        "execve",
        "execvp",
        "execvpe",
        "fexecve",
        "execl",
        "execlp",
    ] {
        for (preload, said) in [
            (alone, ""),
            (&*format!("{alone}:/none/other.so"), "/none/other.so"),
            (&*format!("/none/other.so {alone}"), "/none/other.so"),
        ] {
            let observation = Observation::of_all(&library).unwrap();
            let given = [how, file.to_str().unwrap(), preload, alone].map(OsString::from);
            let output = succeed(&observation, &starts, &given);
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(!stderr.contains(alone), "{given:?}: {stderr}");
            // `wordexp` discards the standard error of its shell.
            let is_silent = how == "wordexp";
            assert!(is_silent || stderr.contains(said), "{given:?}: {stderr}");
            let requests = observation.requests().unwrap();
            assert!(requests.is_lost && requests.is_partial, "{given:?}");
            assert_eq!(requests.unobserved, None, "{given:?}");
        }
    }
}

/// Lists its variables, and has a shell open the file that its second argument names, by the function that its first one
/// names. The third one is for the shell's `LD_PRELOAD`.
const LISTS: &str = r#"
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <spawn.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/wait.h>
    #include <unistd.h>
    extern char **environ;
    int main(int count, char **given) {
        char *how = given[1], *sh = "/bin/sh", command[5000];
        char *arguments[] = {"sh", "-c", command, NULL}, *other[] = {"PATH=/bin:/usr/bin", NULL};
        int status;
        pid_t child;
        for (char **variable = environ; *variable; variable++) puts(*variable);
        if (getenv("LD_PRELOAD")) return 2;
        fflush(stdout);
        if (count > 3) setenv("LD_PRELOAD", given[3], 1);
        snprintf(command, sizeof command, "exec <%s", given[2]);
        #define IS(name) (strcmp(how, name) == 0)
        if (IS("posix_spawn")) return posix_spawn(&child, sh, NULL, NULL, arguments, environ)
            || waitpid(child, &status, 0) != child || status;
        if (IS("posix_spawnp of others")) return posix_spawnp(&child, "sh", NULL, NULL, arguments, other)
            || waitpid(child, &status, 0) != child || status;
        if (IS("vfork")) {
            if ((child = vfork()) == 0) { execvp("sh", arguments); _exit(3); }
            return waitpid(child, &status, 0) != child || status || system("exit 0");
        }
        if (IS("execv")) execv(sh, arguments);
        if (IS("execve")) execve(sh, arguments, environ);
        if (IS("execvp")) execvp("sh", arguments);
        if (IS("execvpe")) execvpe("sh", arguments, other);
        if (IS("fexecve")) fexecve(open(sh, O_RDONLY), arguments, environ);
        if (IS("execl")) execl(sh, "sh", "-c", command, NULL);
        if (IS("system")) return system(command);
        return 1;
    }
"#;

#[test]
fn the_observer_is_hidden_from_a_program_and_loaded_into_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let [lists, file] = ["lists", "file.txt"].map(path);
    compile(LISTS, &lists);
    fsio::replace_and_create_dir(&file, b"word").unwrap();
    let library = path(FILE_NAME);
    for (how, preload, is_observed) in [
        ("posix_spawn", None, true),
        ("posix_spawnp of others", None, true),
        ("vfork", None, true),
        ("execv", None, true),
        ("execve", None, true),
        ("execvp", None, true),
        ("execvpe", None, true),
        ("fexecve", None, true),
        ("execve", Some("/none/other.so"), false),
        ("execl", None, false),
        ("system", None, false),
    ] {
        let mut observation = Observation::of_all(&library).unwrap();
        observation.hide();
        let given = [how, file.to_str().unwrap()].into_iter().chain(preload);
        let given: Vec<_> = given.map(OsString::from).collect();
        let output = succeed(&observation, &lists, &given);
        let listed = String::from_utf8(output.stdout).unwrap();
        assert!(listed.contains("PATH="), "{listed}");
        for name in [PRELOAD, LOG, HIDES] {
            assert!(!listed.contains(name), "{given:?}: {listed}");
        }
        let requests = observation.requests().unwrap();
        let is_partial = !is_observed || how == "vfork";
        assert_eq!(requests.is_partial, is_partial, "{given:?}");
        assert_eq!(requests.files.contains_key(&file), is_observed, "{given:?}");
    }
}

#[test]
fn discarded_notes_are_written_again() {
    let (_directory, observation) = prepare();
    run(&observation, "cat /etc/passwd");
    let (first, once) = (observation.requests().unwrap(), used(&observation));
    run(&observation, "cat /etc/passwd");
    assert_eq!(used(&observation), once);
    observation.forget().unwrap();
    assert_eq!(observation.requests(), None);
    run(&observation, "cat /etc/passwd");
    assert_eq!(observation.requests().unwrap(), first);
    assert_eq!(used(&observation), 2 * once);
}

#[test]
fn there_are_no_requests_if_notes_were_lost() {
    let (_directory, observation) = prepare();
    let room = layout::ROOM as u64;
    let notes = &observation.notes;
    notes
        .write_number_at(layout::USED as u64, room - 100)
        .unwrap();
    run(&observation, "cat /etc/passwd");
    assert!(used(&observation) > room);
    assert_eq!(observation.requests(), None);
}
