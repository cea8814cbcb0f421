// What a container of an image starts with: environment and command.
import type { ImageRequest } from '#core/image-request.ts';

/** The layer of links puts programs into /bin and /sbin, certificates and env where everything looks for them. */
export function environmentOf(): Record<string, string> {
  return {
    PATH: '/bin:/sbin:/usr/bin',
    SSL_CERT_FILE: '/etc/ssl/certs/ca-certificates.crt',
  };
}

/** The shell, where the image was asked for with one. */
export function commandOf({ packages }: ImageRequest): readonly string[] | undefined {
  return packages.includes('bashInteractive') ? ['/bin/bash'] : undefined;
}
