import { ImageName } from 'testcontainers';
import { findEngine } from '../../../dev/services/docker.ts';

/** A Docker engine that has our images already, else null: tests do not pull. */
export async function engineWithImages() {
  const engine = await findEngine();
  if (engine === null) return null;
  const images = ['postgres:17', 'redis:8'].map((name) => engine.image.exists(ImageName.fromString(name)));
  return (await Promise.all(images)).every(Boolean) ? engine : null;
}
