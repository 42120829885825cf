//! The services that rows are about, and who asks whom.

use super::generator::Random;

/// Services that a service is asked by.
const CLIENTS: usize = 5;
/// Up to so many they are one team's, and ask one another in a circle.
const FEW: usize = 50;
const TEAMS: [&str; 20] = [
    "accounts", "billing", "cart", "catalog", "delivery", "fraud", "identity", "ledger", "mail", "media",
    "offers", "orders", "partners", "payments", "pricing", "reviews", "search", "stock", "support", "users",
];

pub(super) struct Services {
    names: Vec<String>,
}

impl Services {
    /// So many. More than 50 are shared out among teams, with a gateway before all of them.
    pub(super) fn new(there: usize) -> Self {
        let name = |number: usize| {
            if there <= FEW {
                format!("service-{number:02}")
            } else if number + 1 == there {
                "gateway".to_owned()
            } else {
                format!("{}/service-{:02}", TEAMS[number % TEAMS.len()], number / TEAMS.len())
            }
        };
        Services { names: (0..there).map(name).collect() }
    }

    pub(super) fn name(&self, number: usize) -> &str {
        &self.names[number]
    }

    /// One of those who ask a service: of its team, where there are teams, and sometimes of another. The first ones of a team are
    /// asked by those that come later, so that there is no circle.
    pub(super) fn client(&self, server: usize, random: &mut Random) -> usize {
        let there = self.names.len();
        if there <= FEW {
            return (server + 1 + random.below(CLIENTS)) % there;
        }
        let later = server + TEAMS.len() * (1 + random.below(CLIENTS));
        let other = if random.below(8) == 0 { random.below(4) } else { 0 };
        (later + other).min(there - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_ask_one_another_in_a_circle() {
        let services = Services::new(50);
        let mut random = Random(1);
        assert_eq!(services.name(7), "service-07");
        assert!((0..100).all(|_| (1..=5).contains(&services.client(0, &mut random))));
        assert!((0..100).all(|_| services.client(49, &mut random) < 5));
    }

    #[test]
    fn many_are_of_teams_behind_a_gateway() {
        let services = Services::new(500);
        let mut random = Random(1);
        let team = |number: usize| services.name(number).split('/').next().unwrap_or_default().to_owned();
        assert_eq!(services.name(0), "accounts/service-00");
        assert_eq!(services.name(499), "gateway");
        let clients: Vec<usize> = (0..1000).map(|_| services.client(25, &mut random)).collect();
        assert!(clients.iter().all(|client| *client > 25));
        let own = clients.iter().filter(|client| team(**client) == team(25)).count();
        assert!((850..=970).contains(&own), "{own}");
        assert!((0..100).all(|_| services.client(498, &mut random) == 499));
    }
}
