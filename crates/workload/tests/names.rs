//! Every rule, and what each falls through to.

use model::Text;
use workload::{Config, Container, ContainerNames, Environment, Facts, Glob, Matcher, Rule, name, name_with};

const ID: &str = "4f5e3c2b1a09f8e7d6c5b4a3928170605f4e3d2c1b0a9f8e7d6c5b4a39281706";

fn facts(command_line: &str, cgroup: &str) -> Facts {
    let arguments: Vec<Text> = command_line.split_whitespace().map(Text::from).collect();
    let executable = arguments.first().map(|first| match first.starts_with('/') {
        true => first.clone(),
        false => format!("/usr/bin/{first}").into(),
    });
    let command = arguments.first().and_then(|first| first.rsplit('/').next()).unwrap_or_default().into();
    Facts {
        pid: 42,
        command,
        executable,
        arguments,
        cgroups: if cgroup.is_empty() { Vec::new() } else { vec![cgroup.replace("{ID}", ID).into()] },
        ..Facts::default()
    }
}

fn check(facts: &Facts, rule: Rule, expected: &str, case: &str) {
    let named = name(facts, &Config::default());
    assert_eq!((named.rule, &*named.name), (rule, expected), "{case}");
}

#[test]
fn a_linked_binary_goes_by_what_it_was_called_as() {
    let linked = |executable: &str, command: &str, title: &str| Facts {
        executable: Some(executable.into()),
        command: command.into(),
        arguments: vec![title.into()],
        ..Facts::default()
    };
    let redis = linked("/usr/bin/redis-check-rdb", "redis-server", "/usr/bin/redis-server *:6379");
    check(&redis, Rule::Executable, "redis-server", "a link, with a title");
    let cut = linked("/usr/bin/real", "a-name-longer-t", "/usr/bin/a-name-longer-than-fifteen");
    check(&cut, Rule::Executable, "a-name-longer-than-fifteen", "the command is cut");
    let renamed = linked("/usr/sbin/nginx", "worker-3", "nginx: worker process");
    check(&renamed, Rule::Executable, "nginx", "a thread that named itself");
}

#[test]
fn programs_by_what_runs_them() {
    use Rule::{Executable, Program};
    let cases = [
        ("/usr/sbin/nginx -g daemon", Executable, "nginx"),
        ("redis-server *:6379", Executable, "redis-server"),
        ("/bin/busybox httpd", Executable, "busybox"),
        ("python3", Executable, "python3"),
        ("python3 -c print(1)", Executable, "python3"),
        ("python3 -uc print(1)", Executable, "python3"),
        ("python3 -", Executable, "python3"),
        ("python3 worker.py --port 80", Program, "worker"),
        ("/usr/bin/python3.12 -u -X dev /srv/billing/worker.py", Program, "worker"),
        ("python3 -W ignore worker.py", Program, "worker"),
        ("python3 -Wignore worker.py", Program, "worker"),
        ("python3 --check-hash-based-pycs never worker.py", Program, "worker"),
        ("python3 -- worker.py", Program, "worker"),
        ("python3 /srv/billing/app.py", Program, "billing"),
        ("python3 /srv/billing/src/main.py", Program, "billing"),
        ("python3 /app/main.py", Program, "main"),
        ("python3 /tmp/app.py", Program, "app"),
        ("python3 /home/alice/app.py", Program, "app"),
        ("python3 -m http.server 8000", Program, "http.server"),
        ("python3 -Im billing.worker", Program, "billing.worker"),
        ("python3 -mbilling.__main__", Program, "billing"),
        ("python3 /usr/bin/gunicorn -w 4 -b 0.0.0.0:80 billing.wsgi:application", Program, "billing"),
        ("python3 /usr/bin/gunicorn --config x.py", Program, "gunicorn"),
        ("python3 -m uvicorn --host localhost --port 80 shop.api:app", Program, "shop.api"),
        ("python3 /usr/bin/uvicorn unix:/run/x shop.main:create()", Program, "shop"),
        ("python3 /usr/local/bin/celery -A orders worker", Program, "orders"),
        ("python3 -m flask --app hello run", Program, "hello"),
        ("node /srv/shop/server.js", Program, "shop"),
        ("node --max-old-space-size=512 -r dotenv/config /srv/shop/dist/index.js", Program, "shop"),
        ("node --import ./tracing.mjs checkout.mjs", Program, "checkout"),
        ("node -e 1", Executable, "node"),
        ("node --eval=1", Executable, "node"),
        ("node /srv/shop/node_modules/.bin/ts-node --swc /srv/shop/src/orders.ts", Program, "orders"),
        ("node /usr/bin/npm start", Program, "npm"),
        ("deno run --allow-net --config deno.json /srv/feed/main.ts", Program, "feed"),
        ("bun run feed.ts", Program, "feed"),
        ("ruby -I lib -rbundler/setup /srv/shop/bin/sync.rb", Program, "sync"),
        ("ruby3.2 -e 1", Executable, "ruby3.2"),
        ("perl -w -I/opt/lib /opt/mail/filter.pl", Program, "filter"),
        ("php -d memory_limit=1G -f /srv/cron/mailer.php", Program, "mailer"),
        ("php -S 0.0.0.0:80 -t public router.php", Program, "router"),
        ("php8.3 /srv/shop/artisan queue:work", Program, "shop"),
        ("bash /opt/backup/backup.sh", Program, "backup"),
        ("sh -c sleep", Executable, "sh"),
        ("bash --rcfile x -eu -o pipefail nightly.sh", Program, "nightly"),
        ("-bash", Executable, "-bash"),
        ("java -Xmx1g -jar /opt/shop/shop-1.4.2-SNAPSHOT.jar --server.port=80", Program, "shop"),
        ("java -jar /opt/billing/app.jar", Program, "billing"),
        ("java -cp /a.jar:/b.jar -Dx=y --add-opens java.base/java.lang=ALL kafka.Kafka c", Program, "Kafka"),
        ("java -cp /x com.example.orders.Main", Program, "orders"),
        ("java -p mods -m shop/com.example.shop.Server", Program, "shop"),
        ("java -version", Executable, "java"),
        ("dotnet /srv/Shop.Api.dll --urls http://+:80", Program, "Shop.Api"),
        ("dotnet exec --depsfile x.json --runtimeconfig y.json Shop.dll", Program, "Shop"),
        ("dotnet run --project x", Executable, "dotnet"),
    ];
    for (line, rule, expected) in cases {
        check(&facts(line, ""), rule, expected, line);
        let mut session = facts(line, "/user.slice/user-1000.slice/session-3.scope");
        session.environment.service_name = Some("  ".into());
        check(&session, rule, expected, line);
    }
}

#[test]
fn a_link_is_called_by_its_own_name() {
    let cases = [
        ("redis-server *:6379", "redis-server", "/usr/bin/redis-check-rdb", "redis-server"),
        (
            "/usr/bin/a-program-with-a-long-name",
            "a-program-with-",
            "/opt/x/1.2/run",
            "a-program-with-a-long-name",
        ),
        // What a program calls itself is not what it was called as.
        ("nginx: worker process", "nginx", "/usr/sbin/nginx", "nginx"),
        ("postgres: checkpointer", "postgres", "/usr/lib/postgresql/17/bin/postgres", "postgres"),
        ("renamed", "worker-1", "/usr/bin/server", "server"),
    ];
    for (title, command, executable, expected) in cases {
        let mut facts = facts("x", "");
        facts.arguments = vec![title.into()];
        facts.command = command.into();
        facts.executable = Some(executable.into());
        check(&facts, Rule::Executable, expected, title);
    }
}

#[test]
fn a_generic_script_is_called_after_its_place() {
    let cases = [
        ("python3 app.py", "/srv/billing", "billing"),
        ("python3 ./src/app.py", "/srv/billing", "billing"),
        ("python3 shop/app.py", "/srv", "shop"),
        ("python3 manage.py runserver", "/app", "manage"),
        ("python3 -m uvicorn main:app", "/srv/feed/current", "feed"),
        ("python3 -m uvicorn main:app", "/", "main"),
        ("python3 /app/main.py", "/srv/elsewhere", "main"),
    ];
    for (line, directory, expected) in cases {
        let facts = Facts { directory: Some(directory.into()), ..facts(line, "") };
        check(&facts, Rule::Program, expected, line);
    }
}

#[test]
fn titles_that_application_servers_write() {
    let cases = [
        ("python3", "gunicorn: worker [billing.wsgi:application]", Rule::Program, "billing"),
        ("python3", "gunicorn: master [shop]", Rule::Program, "shop"),
        ("ruby", "puma 6.4.0 (tcp://0.0.0.0:3000) [shop]", Rule::Program, "shop"),
        ("ruby", "puma: cluster worker 0: 12 [shop]", Rule::Program, "shop"),
        ("php-fpm8.2", "php-fpm: pool www", Rule::Executable, "php-fpm8.2"),
        ("postgres", "postgres: walwriter", Rule::Executable, "postgres"),
    ];
    for (executable, title, rule, expected) in cases {
        let facts = Facts { arguments: vec![title.into()], ..facts(executable, "") };
        check(&facts, rule, expected, title);
    }
}

#[test]
fn containers_and_units_by_cgroup() {
    use Rule::{Container, Executable, Unit};
    let short = &ID[..12];
    let cases = [
        ("/docker/{ID}", Container, short),
        ("/docker/{ID}/init.scope", Container, short),
        ("/system.slice/docker-{ID}.scope", Container, short),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope", Container, short),
        ("/kubepods/burstable/pod0f4ad2c1-9d3e-4f7a-8b6c-5d4e3f2a1b0c/{ID}", Container, short),
        (
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0f4ad2c1_9d3e_4f7a_8b6c_5d4e3f2a1b0c.slice/cri-containerd-{ID}.scope",
            Container,
            short,
        ),
        (
            "/system.slice/containerd.service/kubepods-burstable-pod0f4ad2c1_9d3e.slice:cri-containerd:{ID}",
            Container,
            short,
        ),
        ("/kubepods.slice/kubepods-pod0f4ad2c1_9d3e.slice/crio-{ID}.scope", Container, short),
        ("/kubepods.slice/kubepods-pod0f4ad2c1_9d3e.slice/crio-{ID}.scope/container", Container, short),
        ("/kubepods.slice/kubepods-pod0f4ad2c1_9d3e.slice/crio-conmon-{ID}.scope", Executable, "thing"),
        ("/machine.slice/libpod-{ID}.scope/container", Container, short),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope", Container, short),
        ("/libpod_parent/libpod-{ID}", Container, short),
        ("/machine.slice/libpod-conmon-{ID}.scope", Executable, "thing"),
        ("/default/{ID}", Container, short),
        ("/docker/{ID}/system.slice/nginx.service", Container, short),
        ("/lxc/web", Container, "web"),
        ("/lxc.payload.web/system.slice/nginx.service", Unit, "nginx"),
        ("/lxc.payload.web", Container, "web"),
        ("/lxc.monitor.web", Executable, "thing"),
        ("/machine.slice/machine-web\\x2d1.scope", Container, "web-1"),
        ("/machine.slice/systemd-nspawn@web.service/payload", Container, "web"),
        ("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", Executable, "thing"),
        ("/system.slice/nginx.service", Unit, "nginx"),
        ("/system.slice/system-postgresql.slice/postgresql@15-main.service", Unit, "postgresql@15-main"),
        ("/system.slice/docker.service", Unit, "docker"),
        ("/system.slice/a.service/workers/b", Unit, "a"),
        ("/user.slice/user-1000.slice/session-3.scope", Executable, "thing"),
        ("/user.slice/user-1000.slice/user@1000.service/init.scope", Executable, "thing"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/feed.service", Unit, "feed"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-x-7.scope", Executable, "thing"),
        ("/system.slice/run-u42.service", Executable, "thing"),
        ("/system.slice/run-r0123456789abcdef0123456789abcdef.service", Executable, "thing"),
        ("/system.slice/run-report.service", Unit, "run-report"),
        ("/init.scope", Executable, "thing"),
        ("/", Executable, "thing"),
    ];
    for (cgroup, rule, expected) in cases {
        check(&facts("/opt/thing", cgroup), rule, expected, cgroup);
    }
}

#[test]
fn the_environment_names() {
    let cases = [
        (Some("shop"), Some("service.name=other"), Some("shop")),
        (Some(" "), Some("service.name=other"), Some("other")),
        (None, Some("deployment.environment=prod, service.name = my%20shop%C3%A9 ,x"), Some("my shopé")),
        (None, Some("service.name=50%"), Some("50%")),
        (None, Some("service.namespace=x"), None),
        (None, Some("service.name="), None),
    ];
    for (service_name, attributes, expected) in cases {
        let environment = Environment {
            service_name: service_name.map(Text::from),
            resource_attributes: attributes.map(Text::from),
        };
        let facts = Facts { environment, ..facts("/opt/thing", "/system.slice/x.service") };
        match expected {
            Some(expected) => check(&facts, Rule::Environment, expected, "environment"),
            None => check(&facts, Rule::Unit, "x", "unit"),
        }
    }
}

#[test]
fn configuration_comes_first() {
    let glob = |pattern: &str| Some(Glob::new(pattern));
    let matcher = |name: &str| Matcher { name: name.into(), ..Matcher::default() };
    let config = Config {
        services: vec![
            matcher("matches-nothing"),
            Matcher { command: glob("thing"), executable: glob("/elsewhere/*"), ..matcher("both-have-to") },
            Matcher { cgroup: glob("*/batch/*"), ..matcher("by-cgroup") },
            Matcher { argument: glob("*.py"), ..matcher("by-argument") },
            Matcher { executable: glob("/opt/*"), ..matcher("by-executable") },
            Matcher { command: glob("thi?g"), ..matcher("by-command") },
        ],
    };
    let cases = [
        (facts("/opt/thing", ""), "by-executable"),
        (facts("/usr/bin/thing", ""), "by-command"),
        (facts("/elsewhere/thing", "/batch/x"), "both-have-to"),
        (facts("/opt/thing", "/system.slice/batch/x.service"), "by-cgroup"),
        (facts("python3 x.py", ""), "by-argument"),
    ];
    for (facts, expected) in cases {
        let named = name(&facts, &config);
        assert_eq!((named.rule, &*named.name), (Rule::Configuration, expected));
    }
}

#[test]
fn a_runtime_knows_more_than_the_id() {
    struct Runtime;
    impl ContainerNames for Runtime {
        fn name(&self, container: &Container) -> Option<Text> {
            assert_eq!(container.id, ID);
            assert_eq!(container.pod.as_deref(), Some("0f4ad2c1-9d3e-4f7a-8b6c-5d4e3f2a1b0c"));
            Some("web".into())
        }
    }
    for path in [
        "/kubepods/burstable/pod0f4ad2c1-9d3e-4f7a-8b6c-5d4e3f2a1b0c/{ID}",
        "/kubepods.slice/kubepods-pod0f4ad2c1_9d3e_4f7a_8b6c_5d4e3f2a1b0c.slice/crio-{ID}.scope",
        "/system.slice/containerd.service/kubepods-burstable-pod0f4ad2c1_9d3e_4f7a_8b6c_5d4e3f2a1b0c.slice:cri-containerd:{ID}",
    ] {
        let named = name_with(&facts("/opt/thing", path), &Config::default(), &Runtime);
        assert_eq!((named.rule, &*named.name), (Rule::Container, "web"), "{path}");
    }
}

#[test]
fn a_command_is_better_than_nothing() {
    check(&Facts { command: "kworker/0:1".into(), ..Facts::default() }, Rule::Command, "kworker/0:1", "comm");
    check(&Facts::default(), Rule::Command, "unknown", "nothing");
    let long = "é".repeat(400);
    let named = name(&Facts { command: long.as_str().into(), ..Facts::default() }, &Config::default());
    assert_eq!(&*named.name, "é".repeat(127));
}
