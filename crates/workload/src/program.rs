//! What a program is called.

use model::Text;

use crate::facts::base_name;

/// What an interpreter was told to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program<'a> {
    /// A script, a jar or an assembly.
    File(&'a str),
    /// A module, by its dotted name.
    Module(&'a str),
    /// A Java class, perhaps behind its module: `module/package.Class`.
    Class(&'a str),
    /// An object in a module: `shop.wsgi:application`.
    Import(&'a str),
}

/// Words that name a part of nearly every program, so they name none. The place of the file or the
/// package says more.
const GENERIC: &[&str] = &[
    "__main__",
    "app",
    "application",
    "artisan",
    "asgi",
    "bin",
    "bootstrap",
    "build",
    "cli",
    "cmd",
    "code",
    "console",
    "current",
    "dist",
    "entrypoint",
    "index",
    "init",
    "lib",
    "main",
    "manage",
    "out",
    "program",
    "public",
    "run",
    "scripts",
    "server",
    "service",
    "src",
    "start",
    "target",
    "workspace",
    "wsgi",
    "www",
];

/// Modules that begin a program, so that only their package tells which.
const GENERIC_MODULES: &[&str] = &["__main__", "app", "application", "asgi", "main", "wsgi"];

/// Directories that hold all kinds of programs.
const SHARED_DIRECTORIES: &[&str] = &["home", "mnt", "opt", "root", "sbin", "srv", "tmp", "usr", "var"];

/// Programs that run another one, which is given as `module:object` or behind an option.
const RUNNERS: &[&str] = &[
    "celery",
    "daphne",
    "flask",
    "gunicorn",
    "granian",
    "hypercorn",
    "opentelemetry-instrument",
    "uvicorn",
    "waitress-serve",
];

/// Programs whose first plain argument is the script.
const SCRIPT_RUNNERS: &[&str] = &["babel-node", "nodemon", "ts-node", "tsx"];

/// The name of `program`; one that says nothing gives way to the directory it lies in, which for a relative
/// path is looked for from `directory`.
pub(crate) fn name(program: &Program<'_>, directory: Option<&str>) -> Option<Text> {
    let found = match program {
        Program::File(path) => return file(path, directory),
        Program::Module(module) => dotted(module),
        Program::Import(import) => dotted(import.split(':').next().unwrap_or(import)),
        Program::Class(class) => {
            let class = class.rsplit('/').next().unwrap_or(class);
            // The launcher of a Spring Boot jar that was unpacked.
            if class.starts_with("org.springframework.boot.loader.") { None } else { class_name(class) }
        }
    };
    let whole = match program {
        Program::Import(text) => text.split(':').next().unwrap_or(text),
        Program::File(text) | Program::Module(text) | Program::Class(text) => text,
    };
    let place = || directory.and_then(telling_part);
    found.or_else(place).or(Some(whole)).filter(|name| !name.is_empty()).map(Text::from)
}

/// What a runner runs, and how many of its arguments tell so.
pub(crate) fn behind_runner<'a>(program: &Program<'a>, rest: &'a [Text]) -> Option<(Program<'a>, usize)> {
    let runner = match program {
        Program::File(path) => base_name(path),
        Program::Module(module) => module,
        Program::Class(_) | Program::Import(_) => return None,
    };
    if SCRIPT_RUNNERS.contains(&runner) {
        let at = rest.iter().position(|argument| !argument.starts_with('-'))?;
        return Some((Program::File(&rest[at]), at + 1));
    }
    if !RUNNERS.contains(&runner) {
        return None;
    }
    let option = rest.iter().position(|argument| argument == "-A" || argument == "--app");
    let at = option.map(|at| at + 1).or_else(|| rest.iter().position(|argument| is_import(argument)))?;
    Some((Program::Import(rest.get(at)?), at + 1))
}

/// `package.module:object`. An address (`0.0.0.0:80`, `localhost:80`, `unix:/run/x`) is none.
fn is_import(argument: &str) -> bool {
    let identifier = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    argument.split_once(':').is_some_and(|(module, object)| {
        module.split('.').all(identifier) && object.trim_end_matches("()").split('.').all(identifier)
    })
}

fn file(path: &str, directory: Option<&str>) -> Option<Text> {
    let stem = stem(base_name(path));
    if !is_generic(stem) {
        return (!stem.is_empty()).then(|| stem.into());
    }
    let parents = path.rsplit_once('/').map_or("", |(parents, _)| parents);
    let parents = parents.trim_start_matches("./");
    let from_directory = || if path.starts_with('/') { None } else { directory.and_then(telling_part) };
    Some(telling_part(parents).or_else(from_directory).unwrap_or(stem).into())
}

/// The deepest directory of a path whose name tells something.
fn telling_part(path: &str) -> Option<&str> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    while let Some(part) = parts.pop() {
        let owner = parts.last() == Some(&"home");
        if part == ".." || owner || SHARED_DIRECTORIES.contains(&part) {
            return None;
        }
        if !is_generic(part) {
            return Some(part);
        }
    }
    None
}

/// `shop.worker` is telling; of `shop.main` and `shop.__main__` only `shop` is.
fn dotted(module: &str) -> Option<&str> {
    let mut module = module;
    loop {
        let Some((package, last)) = module.rsplit_once('.') else {
            return (!is_generic(module)).then_some(module);
        };
        if !GENERIC_MODULES.contains(&last) {
            return Some(module);
        }
        module = package;
    }
}

/// The class without its package, unless it is called `Main` or the like.
fn class_name(class: &str) -> Option<&str> {
    class.rsplit('.').find(|part| !part.is_empty() && !is_generic(part))
}

/// A file's name without what its kind and its version add: `shop-1.4.2-SNAPSHOT.jar` is `shop`.
fn stem(name: &str) -> &str {
    const KINDS: &[&str] = &[
        "cjs", "dll", "jar", "java", "js", "jsx", "lua", "mjs", "mts", "php", "phar", "pl", "psgi", "py",
        "pyc", "pyz", "rb", "ru", "sh", "tcl", "ts", "tsx", "war", "R", "jl", "bash",
    ];
    let Some((stem, kind)) =
        name.rsplit_once('.').filter(|(stem, kind)| !stem.is_empty() && KINDS.contains(kind))
    else {
        return name;
    };
    if kind != "jar" && kind != "war" {
        return stem;
    }
    let version =
        stem.match_indices('-').find(|(at, _)| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    version.map_or(stem, |(at, _)| if at == 0 { stem } else { &stem[..at] })
}

fn is_generic(word: &str) -> bool {
    word.is_empty() || GENERIC.iter().any(|generic| generic.eq_ignore_ascii_case(word))
}
