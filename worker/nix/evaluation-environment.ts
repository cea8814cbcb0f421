// The environment of an evaluation: what a package set pins is fetched by it, and with nothing that the worker alone has.
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * A Nix command's environment without the worker's credentials: no .netrc, no SSH key or agent, no helper of git's
 * configuration. Nix's own configuration stays what it is.
 */
export function evaluationEnvironment(
  environment: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const home = environment['HOME'] ?? homedir();
  const cache = environment['XDG_CACHE_HOME'] ?? join(home, '.cache');
  return {
    ...environment,
    HOME: '/nonexistent',
    // Nix takes a commit from its cache whatever the address: what the worker fetched with a login is not in this one.
    XDG_CACHE_HOME: join(cache, 'derivery-evaluation'),
    // Where Nix looks by default (nix.conf(5)).
    NIX_USER_CONF_FILES: [join(home, '.config/nix/nix.conf'), '/etc/xdg/nix/nix.conf'].join(':'),
    GIT_ALLOW_PROTOCOL: 'https:http',
    GIT_SSH_COMMAND: 'false',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
  };
}
