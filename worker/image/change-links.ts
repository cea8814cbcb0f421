// The layer of links as the deployment's extra commands leave it.
import type { ImageSettings } from '#core/image-settings.ts';
import { changedLinksLayerKey } from '#core/layer.ts';
import type { User } from '#core/meta-packages.ts';
import { runExtraCommands, type ExtraCommands } from '../extra-commands.ts';
import type { Nix } from '../nix/nix.ts';
import type { RealiseOptions } from '../nix/realise.ts';
import type { StoredSource } from '../nix/stored-source.ts';
import { changedLinks } from '../pack/changed-links.ts';
import { ownerOf } from '../pack/root-files.ts';
import type { DescribedLayer, ImagePlan } from './plan-image.ts';

export interface LinksChange extends Pick<ExtraCommands, 'packages' | 'closure' | 'spoolFolder' | 'roots'> {
  /** The package set whose tools run the commands. */
  readonly fetchSource: () => Promise<StoredSource>;
  readonly user: User;
  readonly settings: ImageSettings;
}

/**
 * The plan with its layer of links changed by the extra commands, if the deployment has any. Throws as
 * {@link runExtraCommands} does.
 */
export async function changeLinks(
  nix: Nix,
  plan: ImagePlan,
  { fetchSource, user, settings, ...inputs }: LinksChange,
  options: Pick<RealiseOptions, 'signal' | 'onWaiting'>,
): Promise<ImagePlan> {
  const { extraCommands: commands, importArguments, owner } = settings;
  const links = plan.layers.at(-1);
  if (commands === undefined || links === undefined) return plan;
  const entries = await links.entries();
  const source = await fetchSource();
  const { path, narHash } = await runExtraCommands(
    nix,
    { ...inputs, source, commands, importArguments, entries },
    options,
  );
  const changed: DescribedLayer = {
    ...links,
    key: changedLinksLayerKey(narHash, { compressor: links.compressor.id, owner, user }),
    narHashes: [narHash],
    entries: () => changedLinks(nix.realPath(path), file => ownerOf(file, user, owner)),
    createdBy: `${links.createdBy}; then the deployment's extra commands`,
  };
  return { ...plan, layers: [...plan.layers.slice(0, -1), changed] };
}
