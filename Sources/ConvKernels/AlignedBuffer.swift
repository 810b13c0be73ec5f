import AlignedMemory

/// Zeroed, aligned memory: what the operators read and write.
public typealias AlignedBuffer = AlignedMemory.AlignedBuffer
