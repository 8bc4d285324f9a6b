import { makeBaseImages } from '../container/base-images.ts';
import { build, buildah, podman } from '../container/store.ts';
import { root } from '../deploy/manifests.ts';
import { removeStaleNamespaces } from '../kernel/harness/namespace.ts';

/** What the image under test is called in the store. */
export const image = 'localhost/ip-masq-agent:test';

/** Before the tests of a run: builds the image from the Dockerfile, and removes what a killed run left behind. */
export default async function setup(): Promise<void> {
  await removeStaleNamespaces();
  await podman('rm', '--all', '--force');
  await buildah('rm', '--all');
  await makeBaseImages(`${root}Dockerfile`);
  const args = ['--build-arg', 'VERSION=9.9.9-test', '--build-arg', 'REVISION=0123456789abcdef'];
  await build({ file: `${root}Dockerfile`, context: root, tag: image, args });
  // The layers of this build are kept for the next, those of builds long ago are not.
  await podman('image', 'prune', '--force', '--filter', 'until=48h');
}
