"""Migration: the configuration of another gateway as settings of ours, and what of it has no counterpart.

Belongs here:  what another gateway's file means. Pure: a parsed file and an environment in, text out.
May import:    settings, the standard library.
Imported by:   cli_import.

    converted = litellm.convert(yaml.safe_load(text), "config.yaml", os.environ)
    converted.settings      # TOML
    converted.notes         # one line for each thing that was left out, or that is left to do

To read it, follow a deployment: `deployments` reads one and `places` where it goes, by `known_providers` and
`request_defaults`; `providers` puts those that go to one place together, `public_models` has the names for
callers, and `sections` what holds for all of them.

No key is ever written or told: references to the environment stay references, and a key that stands in the
file itself gets a name in the environment.
"""
