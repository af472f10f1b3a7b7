/** Version of the recipe that new uploads are made by: that of workers/transcode. */
export const currentRecipe = 1
